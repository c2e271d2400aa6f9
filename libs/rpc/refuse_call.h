// Ending a call before anything is done for it, not even asking who makes it: what an overloaded
// server can afford.
#pragma once

#include <utility>

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "libs/rpc/method.h"
#include "libs/rpc/status.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::rpc {

// A status that is made once, because its details cost more than the rest of such a call.
struct PreparedRefusal {
  explicit PreparedRefusal(absl::Status refusal)
      : status(std::move(refusal)), wire(ToGrpc(status)) {}

  const absl::Status status;
  const grpc::Status wire;
};

// Reactor: grpc::ServerUnaryReactor or grpc::ServerWriteReactor<Event>.
template <class Reactor>
Reactor* RefuseCall(Method& method, const PreparedRefusal& refusal) {
  struct Refused final : Reactor {
    void OnDone() override { delete this; }
  };
  auto* const reactor = new Refused;
  method.CountStart();
  method.CountEnd(refusal.status, absl::ZeroDuration());
  reactor->Finish(refusal.wire);
  return reactor;
}

}  // namespace penstock::rpc
