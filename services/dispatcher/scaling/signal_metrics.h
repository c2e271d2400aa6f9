// What a pool shows to those who scale adapters.
#pragma once

#include <array>
#include <string>

#include "libs/obs/metrics.h"
#include "services/dispatcher/scaling/load_signal.h"

namespace penstock::dispatcher {

// Every series is there from the beginning, and stays: a scaler that finds none never scales down.
class SignalMetrics {
 public:
  // `pool`: its name.
  SignalMetrics(const std::string& pool, obs::Metrics& metrics);

  void Publish(const LoadSignal& signal, bool adapters_full);

 private:
  prometheus::Gauge& required_concurrency_;
  prometheus::Gauge& runnable_;
  prometheus::Gauge& adapters_full_;
  // By what holds them; one of them at a time is above 0.
  std::array<prometheus::Gauge*, v1::Hold_ARRAYSIZE> quota_blocked_{};
};

}  // namespace penstock::dispatcher
