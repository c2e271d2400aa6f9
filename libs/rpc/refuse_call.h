// Ending a call before anything is done for it, not even asking who makes it: what an overloaded
// server can afford.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "libs/rpc/method.h"
#include "libs/rpc/status.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::rpc {

// The call ends with `status`, which is an error. Reactor: grpc::ServerUnaryReactor or
// grpc::ServerWriteReactor<Event>.
template <class Reactor>
Reactor* RefuseCall(Method& method, const absl::Status& status) {
  struct Refused final : Reactor {
    void OnDone() override { delete this; }
  };
  auto* const reactor = new Refused;
  method.CountStart();
  method.CountEnd(status, absl::ZeroDuration());
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace penstock::rpc
