// The pools of a configuration: one a model.
#pragma once

#include <vector>

#include "libs/host/environment.h"
#include "services/dispatcher/admission/held_bytes.h"
#include "services/dispatcher/queue/pool_metrics.h"
#include "services/dispatcher/turn/turn_services.h"

namespace penstock::dispatcher {

// The environment outlives them.
Pools MakePools(const host::Environment& environment);
DepthLimits DepthLimitsOf(const config::v1::Config& config);
HeldBytesLimits HeldBytesLimitsOf(const config::v1::Config& config);
// How much may wait in each.
Depths MakeDepths(const config::v1::Config& config);
std::vector<PoolMetrics> MetricsOf(const Pools& pools, obs::Metrics& metrics);

}  // namespace penstock::dispatcher
