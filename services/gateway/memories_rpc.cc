#include "services/gateway/memories_rpc.h"

#include <utility>

#include "libs/async/status_macros.h"

namespace penstock::gateway {

using chat::v1::Memory;

MemoriesRpc::MemoriesRpc(const InputGuard& guard, Downstream& downstream)
    : guard_(guard), downstream_(downstream) {}

Awaitable<absl::StatusOr<Memory>> MemoriesRpc::CreateMemory(const Caller& caller,
                                                            v1::CreateMemoryRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  memory::v1::CreateMemoryRequest create;
  create.set_request_id(request.request_id());
  *create.mutable_memory() = std::move(*request.mutable_memory());
  co_return co_await downstream_.CreateMemory(caller, std::move(create));
}

Awaitable<absl::StatusOr<Memory>> MemoriesRpc::GetMemory(const Caller& caller,
                                                         v1::GetMemoryRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  memory::v1::GetMemoryRequest get;
  get.set_name(request.name());
  co_return co_await downstream_.GetMemory(caller, std::move(get));
}

Awaitable<absl::StatusOr<v1::ListMemoriesResponse>> MemoriesRpc::ListMemories(
    const Caller& caller, v1::ListMemoriesRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  memory::v1::ListMemoriesRequest list;
  list.set_page_size(request.page_size());
  list.set_page_token(request.page_token());
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto page,
                               co_await downstream_.ListMemories(caller, std::move(list)));
  v1::ListMemoriesResponse response;
  *response.mutable_memories() = std::move(*page.mutable_memories());
  response.set_next_page_token(page.next_page_token());
  co_return response;
}

Awaitable<absl::StatusOr<v1::SearchMemoriesResponse>> MemoriesRpc::SearchMemories(
    const Caller& caller, v1::SearchMemoriesRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  memory::v1::SearchMemoriesRequest search;
  search.set_query(request.query());
  search.set_limit(request.limit());
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto found,
                               co_await downstream_.SearchMemories(caller, std::move(search)));
  v1::SearchMemoriesResponse response;
  for (memory::v1::ScoredMemory& scored : *found.mutable_hits()) {
    auto& hit = *response.add_hits();
    *hit.mutable_memory() = std::move(*scored.mutable_memory());
    hit.set_score(scored.score());
  }
  co_return response;
}

Awaitable<absl::StatusOr<Memory>> MemoriesRpc::DeleteMemory(const Caller& caller,
                                                            v1::DeleteMemoryRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  memory::v1::DeleteMemoryRequest remove;
  remove.set_name(request.name());
  co_return co_await downstream_.DeleteMemory(caller, std::move(remove));
}

}  // namespace penstock::gateway
