#include "services/dispatcher/queue/pool_metrics.h"

#include <utility>

#include "libs/base/log.h"

namespace penstock::dispatcher {

PoolMetrics::PoolMetrics(const std::string& pool, const Arbiter& arbiter, obs::Metrics& metrics)
    : pool_(pool),
      arbiter_(arbiter),
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
      signal_(pool, metrics),
      classes_(pool, metrics) {
  for (const std::string& lane : arbiter.lanes()) {
    const obs::Labels labels = {{"pool", pool}, {"lane", lane}};
    lanes_.push_back(
        {lane, metrics.AddGauge("penstock_dispatcher_lane_in_flight", "Calls under way.", labels),
         metrics.AddGauge("penstock_dispatcher_lane_concurrency",
                          "Calls that may be under way at once.", labels),
         metrics.AddGauge("penstock_dispatcher_lane_rate_factor",
                          "Part of the known limits in use; below 1 after a refusal.", labels),
         metrics.AddGauge("penstock_dispatcher_lane_pause_seconds",
                          "Until it may be called again after a refusal.", labels),
         metrics.AddGauge("penstock_dispatcher_lane_first_output_seconds",
                          "From permit to first output, a mean of the last calls.", labels),
         metrics.AddGauge("penstock_dispatcher_lane_breaker",
                          "0: closed, 1: half-open (one call tries it), 2: open (left alone).",
                          labels),
         metrics.AddCounter("penstock_dispatcher_lane_breaker_openings_total",
                            "How often it was left alone after failures.", labels)});
  }
}

void PoolMetrics::Publish() {
  const PoolLoad load = arbiter_.Load();
  waiting_.Set(static_cast<double>(load.waiting));
  ready_.Set(static_cast<double>(load.ready));
  in_flight_.Set(static_cast<double>(load.in_flight));
  concurrency_.Set(static_cast<double>(load.concurrency));
  starts_per_second_.Set(load.starts_per_second);
  rate_factor_.Set(load.rate_factor);
  pause_seconds_.Set(absl::ToDoubleSeconds(load.pause_left));
  const LoadSignal signal = arbiter_.Signal();
  signal_.Publish(signal, load.adapters_full);
  classes_.Publish(arbiter_, signal);
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    const LaneLoad of_lane = arbiter_.Load(static_cast<int>(lane));
    Publish(lanes_[lane], of_lane);
    LogBreaker(lanes_[lane], of_lane);
  }
}

void PoolMetrics::Publish(Lane& metrics, const LaneLoad& load) {
  metrics.in_flight.Set(static_cast<double>(load.in_flight));
  metrics.concurrency.Set(static_cast<double>(load.concurrency));
  metrics.rate_factor.Set(load.rate_factor);
  metrics.pause_seconds.Set(absl::ToDoubleSeconds(load.pause_left));
  metrics.first_output_seconds.Set(absl::ToDoubleSeconds(load.first_output));
  metrics.breaker.Set(static_cast<double>(load.breaker));
  const int64_t told = std::exchange(metrics.told_openings, load.openings);
  metrics.openings.Increment(static_cast<double>(load.openings - told));
}

void PoolMetrics::LogBreaker(Lane& lane, const LaneLoad& load) const {
  const bool left_alone = load.breaker != Breaker::State::kClosed;
  if (std::exchange(lane.told_left_alone, left_alone) == left_alone) return;
  if (left_alone) {
    Log(Severity::kWarning, "a lane has failed and is left alone",
        {{"pool", pool_}, {"lane", lane.name}, {"kind", chat::v1::ErrorKind_Name(load.cause)}});
  } else {
    Log(Severity::kInfo, "a lane answers again", {{"pool", pool_}, {"lane", lane.name}});
  }
}

}  // namespace penstock::dispatcher
