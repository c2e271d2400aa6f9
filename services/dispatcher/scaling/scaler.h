// What KEDA is told: how much work there is, for the whole cluster.
#pragma once

#include <cstdint>

#include "libs/obs/metrics.h"
#include "services/dispatcher/scaling/scaling_trigger.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"
#include "externalscaler/externalscaler.pb.h"

namespace penstock::dispatcher {

// Thread-safe. Each answer is of this moment. Errors are TriggerOf's.
class Scaler {
 public:
  // The references outlive it. `open_streams`: of turns, to all gateways.
  Scaler(const Pools& pools, const prometheus::Gauge& open_streams)
      : pools_(pools), open_streams_(open_streams) {}

  absl::StatusOr<bool> IsActive(const externalscaler::ScaledObjectRef& object) const;
  absl::StatusOr<externalscaler::GetMetricSpecResponse> SpecOf(
      const externalscaler::ScaledObjectRef& object) const;
  // INVALID_ARGUMENT also for a metric that SpecOf does not name.
  absl::StatusOr<externalscaler::GetMetricsResponse> MetricsOf(
      const externalscaler::GetMetricsRequest& request) const;

 private:
  int64_t ValueOf(const ScalingTrigger& trigger) const;

  const Pools& pools_;
  const prometheus::Gauge& open_streams_;
};

}  // namespace penstock::dispatcher
