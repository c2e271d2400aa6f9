// Who calls a public RPC, and for how long.
#pragma once

#include <stop_token>

#include "libs/identity/principal.h"
#include "libs/obs/trace.h"
#include "services/gateway/backlog.h"

#include "absl/time/time.h"

namespace penstock::gateway {

// Lives as long as its call; coroutines of the call keep references to it.
struct Caller {
  identity::Principal principal;
  // InfiniteFuture when the call has none.
  absl::Time deadline;
  obs::TraceContext trace;
  // Stops when the caller has gone, or the gateway ends what it still serves.
  std::stop_token stop;
  // Of a call that submits a turn, else null. Left once the turn is accepted.
  Backlog::Place* submitting = nullptr;
};

}  // namespace penstock::gateway
