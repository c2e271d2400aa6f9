// What each pool shows of its line, its classes and its limits.
#pragma once

#include <string>
#include <vector>

#include "libs/obs/metrics.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/queue/class_metrics.h"

namespace penstock::dispatcher {

class PoolMetrics {
 public:
  // `pool`: its name. `arbiter` outlives this.
  PoolMetrics(const std::string& pool, const Arbiter& arbiter, obs::Metrics& metrics);

  // Takes the figures as they are now.
  void Publish();

 private:
  const Arbiter& arbiter_;
  prometheus::Gauge& waiting_;
  prometheus::Gauge& ready_;
  prometheus::Gauge& in_flight_;
  prometheus::Gauge& concurrency_;
  prometheus::Gauge& starts_per_second_;
  prometheus::Gauge& rate_factor_;
  prometheus::Gauge& pause_seconds_;
  ClassMetrics classes_;
};

}  // namespace penstock::dispatcher
