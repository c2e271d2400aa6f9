// What each pool shows of its line, its classes, its limits and its lanes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/obs/metrics.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/queue/class_metrics.h"
#include "services/dispatcher/scaling/signal_metrics.h"

namespace penstock::dispatcher {

class PoolMetrics {
 public:
  // `pool`: its name. `arbiter` outlives this.
  PoolMetrics(const std::string& pool, const Arbiter& arbiter, obs::Metrics& metrics);

  // Takes the figures as they are now, and logs which lanes are left alone.
  void Publish();

 private:
  struct Lane {
    std::string name;
    prometheus::Gauge& in_flight;
    prometheus::Gauge& concurrency;
    prometheus::Gauge& rate_factor;
    prometheus::Gauge& pause_seconds;
    prometheus::Gauge& first_output_seconds;
    prometheus::Gauge& breaker;
    prometheus::Counter& openings;
    // What was told last.
    int64_t told_openings = 0;
    bool told_left_alone = false;
  };

  static void Publish(Lane& metrics, const LaneLoad& load);
  void LogBreaker(Lane& lane, const LaneLoad& load) const;

  const std::string pool_;
  const Arbiter& arbiter_;
  prometheus::Gauge& waiting_;
  prometheus::Gauge& ready_;
  prometheus::Gauge& in_flight_;
  prometheus::Gauge& concurrency_;
  prometheus::Gauge& starts_per_second_;
  prometheus::Gauge& rate_factor_;
  prometheus::Gauge& pause_seconds_;
  SignalMetrics signal_;
  // As Arbiter::lanes.
  std::vector<Lane> lanes_;
  ClassMetrics classes_;
};

}  // namespace penstock::dispatcher
