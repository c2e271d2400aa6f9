#include "services/memory_recall/memory_recall_service.h"

#include "libs/async/status_macros.h"

namespace penstock::memory_recall {

using chat::v1::Memory;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using namespace memory::v1;  // NOLINT: requests and responses

namespace {

template <class Request, class Response, class Ask>
Awaitable<absl::Status> Answer(MemoryRecallCore& core, Ask ask, rpc::ServerCall& call,
                               const Request& request, Response& response) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(response, co_await (core.*ask)(call.principal().key, request));
  co_return absl::OkStatus();
}

}  // namespace

MemoryRecallService::MemoryRecallService(MemoryRecallCore& core,
                                         const rpc::ServerEnvironment& environment)
    : core_(core),
      recall_(environment, "MemoryRecall/Recall"),
      ingest_(environment, "MemoryRecall/Ingest"),
      create_memory_(environment, "MemoryRecall/CreateMemory"),
      get_memory_(environment, "MemoryRecall/GetMemory"),
      list_memories_(environment, "MemoryRecall/ListMemories"),
      search_memories_(environment, "MemoryRecall/SearchMemories"),
      delete_memory_(environment, "MemoryRecall/DeleteMemory") {}

template <class Request, class Response>
ServerUnaryReactor* MemoryRecallService::Serve(rpc::Method& method,
                                               CoreMethod<Request, Response> ask,
                                               CallbackServerContext* context,
                                               const Request* request, Response* response) {
  return rpc::ServeUnary(method, context, request, response,
                         [this, ask](auto&... call) { return Answer(core_, ask, call...); });
}

ServerUnaryReactor* MemoryRecallService::Recall(CallbackServerContext* context,
                                                const RecallRequest* request,
                                                RecallResponse* response) {
  return Serve(recall_, &MemoryRecallCore::Recall, context, request, response);
}
ServerUnaryReactor* MemoryRecallService::Ingest(CallbackServerContext* context,
                                                const IngestRequest* request,
                                                IngestResponse* response) {
  return Serve(ingest_, &MemoryRecallCore::Ingest, context, request, response);
}
ServerUnaryReactor* MemoryRecallService::CreateMemory(CallbackServerContext* context,
                                                      const CreateMemoryRequest* request,
                                                      Memory* response) {
  return Serve(create_memory_, &MemoryRecallCore::Create, context, request, response);
}
ServerUnaryReactor* MemoryRecallService::GetMemory(CallbackServerContext* context,
                                                   const GetMemoryRequest* request,
                                                   Memory* response) {
  return Serve(get_memory_, &MemoryRecallCore::Get, context, request, response);
}
ServerUnaryReactor* MemoryRecallService::ListMemories(CallbackServerContext* context,
                                                      const ListMemoriesRequest* request,
                                                      ListMemoriesResponse* response) {
  return Serve(list_memories_, &MemoryRecallCore::List, context, request, response);
}
ServerUnaryReactor* MemoryRecallService::SearchMemories(CallbackServerContext* context,
                                                        const SearchMemoriesRequest* request,
                                                        SearchMemoriesResponse* response) {
  return Serve(search_memories_, &MemoryRecallCore::Search, context, request, response);
}
ServerUnaryReactor* MemoryRecallService::DeleteMemory(CallbackServerContext* context,
                                                      const DeleteMemoryRequest* request,
                                                      Memory* response) {
  return Serve(delete_memory_, &MemoryRecallCore::Delete, context, request, response);
}

}  // namespace penstock::memory_recall
