// What waits and runs in all pools, as those see it who operate the dispatcher.
#pragma once

#include <cstdint>

#include "penstock/dispatcher/v1/operations.pb.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// `open_streams`: of turns, to all gateways.
v1::Load LoadOf(const Pools& pools, int64_t open_streams, absl::Time now);

}  // namespace penstock::dispatcher
