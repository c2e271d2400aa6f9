// What the classes of a pool show of their load.
#pragma once

#include <string>
#include <vector>

#include "libs/obs/metrics.h"
#include "services/dispatcher/queue/arbiter.h"

namespace penstock::dispatcher {

class ClassMetrics {
 public:
  // `pool`: its name.
  ClassMetrics(const std::string& pool, obs::Metrics& metrics);

  // Takes the figures as they are now.
  void Publish(const Arbiter& arbiter, const LoadSignal& signal);

 private:
  struct Gauges {
    chat::v1::TurnClass turn_class;
    prometheus::Gauge& waiting;
    prometheus::Gauge& ready;
    prometheus::Gauge& runnable;
    prometheus::Gauge& quota_blocked;
    prometheus::Gauge& running;
    prometheus::Gauge& oldest_wait_seconds;
    prometheus::Gauge& arrivals_per_second;
    prometheus::Gauge& starts_per_second;
  };

  std::vector<Gauges> classes_;
};

}  // namespace penstock::dispatcher
