#include "services/dispatcher/dispatcher_pools.h"

#include <memory>

#include "services/dispatcher/limits/model_lanes.h"
#include "services/dispatcher/queue/fair_options.h"

namespace penstock::dispatcher {

Pools MakePools(const host::Environment& environment) {
  Pools pools;
  for (const auto& model : environment.config.models()) {
    pools[model.name()] = std::make_unique<Arbiter>(
        std::make_unique<FairScheduler>(FairOptionsOf(environment.config, model)),
        LanesOf(model, environment.clock.Monotonic(),
                static_cast<uint32_t>(environment.random.Next())),
        environment.clock, environment.timers);
  }
  return pools;
}

DepthLimits DepthLimitsOf(const config::v1::Config& config) {
  return {.turns = config.turn().max_waiting(),
          .tokens = config.queue().max_waiting_tokens(),
          .tenant_share = config.queue().max_tenant_share()};
}

HeldBytesLimits HeldBytesLimitsOf(const config::v1::Config& config) {
  return {.bytes = config.queue().max_held_bytes(),
          .tenant_share = config.queue().max_tenant_share()};
}

Depths MakeDepths(const config::v1::Config& config) {
  Depths depths;
  for (const auto& model : config.models()) {
    depths[model.name()] = std::make_shared<Depth>(model.name(), DepthLimitsOf(config));
  }
  return depths;
}

std::vector<PoolMetrics> MetricsOf(const Pools& pools, obs::Metrics& metrics) {
  std::vector<PoolMetrics> all;
  for (const auto& [name, pool] : pools) all.emplace_back(name, *pool, metrics);
  return all;
}

}  // namespace penstock::dispatcher
