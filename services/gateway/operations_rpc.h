// What the RPCs of dispatcher.v1.Operations do at the gateway: they are the dispatcher's, for
// tokens with scope `operator`.
#pragma once

#include "services/gateway/downstream.h"

#include "absl/status/statusor.h"

namespace penstock::gateway {

// Every call is a line of the log, "operator call": who asked for what, and what became of it.
// Thread-safe. The argument outlives it; `caller` outlives the call that it makes.
class OperationsRpc {
 public:
  explicit OperationsRpc(Downstream& downstream) : downstream_(downstream) {}

  Awaitable<absl::StatusOr<dispatcher::v1::Load>> GetLoad(const Caller& caller,
                                                          dispatcher::v1::GetLoadRequest request);

 private:
  Downstream& downstream_;
};

}  // namespace penstock::gateway
