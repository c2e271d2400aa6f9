// What the RPCs of Memories do: they are memory-recall's, behind the input guard.
#pragma once

#include "services/gateway/downstream.h"
#include "services/gateway/input_guard.h"

#include "absl/status/statusor.h"

namespace penstock::gateway {

// Thread-safe. The arguments outlive it; `caller` outlives the call that it makes.
class MemoriesRpc {
 public:
  MemoriesRpc(const InputGuard& guard, Downstream& downstream);

  Awaitable<absl::StatusOr<chat::v1::Memory>> CreateMemory(const Caller& caller,
                                                           v1::CreateMemoryRequest request);
  Awaitable<absl::StatusOr<chat::v1::Memory>> GetMemory(const Caller& caller,
                                                        v1::GetMemoryRequest request);
  Awaitable<absl::StatusOr<v1::ListMemoriesResponse>> ListMemories(const Caller& caller,
                                                                   v1::ListMemoriesRequest request);
  Awaitable<absl::StatusOr<v1::SearchMemoriesResponse>> SearchMemories(
      const Caller& caller, v1::SearchMemoriesRequest request);
  Awaitable<absl::StatusOr<chat::v1::Memory>> DeleteMemory(const Caller& caller,
                                                           v1::DeleteMemoryRequest request);

 private:
  const InputGuard& guard_;
  Downstream& downstream_;
};

}  // namespace penstock::gateway
