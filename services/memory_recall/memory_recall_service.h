// The RPCs of memory.v1.MemoryRecall: unpack, ask the core, pack. For memory_recall_process.cc
// only.
#pragma once

#include "libs/rpc/server.h"
#include "penstock/memory/v1/memory_recall.grpc.pb.h"
#include "services/memory_recall/memory_recall_core.h"

namespace penstock::memory_recall {

class MemoryRecallService final : public memory::v1::MemoryRecall::CallbackService {
 public:
  MemoryRecallService(MemoryRecallCore& core, const rpc::ServerEnvironment& environment);

  grpc::ServerUnaryReactor* Recall(grpc::CallbackServerContext* context,
                                   const memory::v1::RecallRequest* request,
                                   memory::v1::RecallResponse* response) override;
  grpc::ServerUnaryReactor* Ingest(grpc::CallbackServerContext* context,
                                   const memory::v1::IngestRequest* request,
                                   memory::v1::IngestResponse* response) override;
  grpc::ServerUnaryReactor* CreateMemory(grpc::CallbackServerContext* context,
                                         const memory::v1::CreateMemoryRequest* request,
                                         chat::v1::Memory* response) override;
  grpc::ServerUnaryReactor* GetMemory(grpc::CallbackServerContext* context,
                                      const memory::v1::GetMemoryRequest* request,
                                      chat::v1::Memory* response) override;
  grpc::ServerUnaryReactor* ListMemories(grpc::CallbackServerContext* context,
                                         const memory::v1::ListMemoriesRequest* request,
                                         memory::v1::ListMemoriesResponse* response) override;
  grpc::ServerUnaryReactor* SearchMemories(grpc::CallbackServerContext* context,
                                           const memory::v1::SearchMemoriesRequest* request,
                                           memory::v1::SearchMemoriesResponse* response) override;
  grpc::ServerUnaryReactor* DeleteMemory(grpc::CallbackServerContext* context,
                                         const memory::v1::DeleteMemoryRequest* request,
                                         chat::v1::Memory* response) override;

 private:
  template <class Request, class Response>
  using CoreMethod = Awaitable<absl::StatusOr<Response>> (MemoryRecallCore::*)(identity::UserKey,
                                                                               const Request&);

  template <class Request, class Response>
  grpc::ServerUnaryReactor* Serve(rpc::Method& method, CoreMethod<Request, Response> ask,
                                  grpc::CallbackServerContext* context, const Request* request,
                                  Response* response);

  MemoryRecallCore& core_;
  rpc::Method recall_;
  rpc::Method ingest_;
  rpc::Method create_memory_;
  rpc::Method get_memory_;
  rpc::Method list_memories_;
  rpc::Method search_memories_;
  rpc::Method delete_memory_;
};

}  // namespace penstock::memory_recall
