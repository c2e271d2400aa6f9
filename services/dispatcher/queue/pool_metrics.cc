#include "services/dispatcher/queue/pool_metrics.h"

namespace penstock::dispatcher {

PoolMetrics::PoolMetrics(const std::string& pool, const Arbiter& arbiter, obs::Metrics& metrics)
    : arbiter_(arbiter),
      waiting_(metrics.AddGauge("penstock_dispatcher_pool_waiting",
                                "Turns in the pool's line: heads of their sessions.",
                                {{"pool", pool}})),
      ready_(metrics.AddGauge("penstock_dispatcher_pool_ready",
                              "Turns in line that are prepared and want a permit.",
                              {{"pool", pool}})),
      in_flight_(metrics.AddGauge("penstock_dispatcher_pool_in_flight",
                                  "Calls of the provider under way.", {{"pool", pool}})),
      concurrency_(metrics.AddGauge("penstock_dispatcher_pool_concurrency",
                                    "Calls that may be under way at once.", {{"pool", pool}})),
      starts_per_second_(metrics.AddGauge("penstock_dispatcher_pool_starts_per_second",
                                          "Turns that the pool may start in a second.",
                                          {{"pool", pool}})),
      rate_factor_(metrics.AddGauge("penstock_dispatcher_pool_rate_factor",
                                    "Part of the known limits in use; below 1 after a refusal.",
                                    {{"pool", pool}})),
      pause_seconds_(metrics.AddGauge("penstock_dispatcher_pool_pause_seconds",
                                      "Until the provider may be called again after a refusal.",
                                      {{"pool", pool}})),
      classes_(pool, metrics) {}

void PoolMetrics::Publish() {
  const PoolLoad load = arbiter_.Load();
  waiting_.Set(static_cast<double>(load.waiting));
  ready_.Set(static_cast<double>(load.ready));
  in_flight_.Set(static_cast<double>(load.in_flight));
  concurrency_.Set(static_cast<double>(load.concurrency));
  starts_per_second_.Set(load.starts_per_second);
  rate_factor_.Set(load.rate_factor);
  pause_seconds_.Set(absl::ToDoubleSeconds(load.pause_left));
  classes_.Publish(arbiter_);
}

}  // namespace penstock::dispatcher
