#include "libs/rpc/method.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

namespace penstock::rpc {

Method::Method(const ServerEnvironment& environment, std::string name)
    : environment_(environment),
      name_(std::move(name)),
      live_gauge_(environment.metrics.AddGauge(
          "penstock_rpc_server_live_calls", "Calls that are being handled.", {{"method", name_}})),
      seconds_(environment.metrics.AddHistogram("penstock_rpc_server_seconds",
                                                "Time from the arrival of a call to its status.",
                                                obs::LatencyBuckets(), {{"method", name_}})) {}

void Method::CountStart() {
  live_.fetch_add(1, std::memory_order_relaxed);
  live_gauge_.Increment();
}

void Method::CountEnd(const absl::Status& status, absl::Duration taken) {
  live_.fetch_sub(1, std::memory_order_relaxed);
  live_gauge_.Decrement();
  seconds_.Observe(absl::ToDoubleSeconds(taken));
  auto& slot = ended_[static_cast<size_t>(std::clamp(status.raw_code(), 0, kCodes - 1))];
  prometheus::Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    // The registry answers the same counter to all that ask at once.
    counter = &environment_.metrics.AddCounter(
        "penstock_rpc_server_calls_total", "Calls that have ended, by status code.",
        {{"method", name_}, {"code", absl::StatusCodeToString(status.code())}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

}  // namespace penstock::rpc
