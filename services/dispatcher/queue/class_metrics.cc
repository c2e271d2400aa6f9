#include "services/dispatcher/queue/class_metrics.h"

namespace penstock::dispatcher {

ClassMetrics::ClassMetrics(const std::string& pool, obs::Metrics& metrics) {
  for (int c = chat::v1::CLASS_ACTION; c <= chat::v1::CLASS_BATCH; ++c) {
    const auto turn_class = static_cast<chat::v1::TurnClass>(c);
    const obs::Labels labels = {{"pool", pool}, {"class", chat::v1::TurnClass_Name(turn_class)}};
    classes_.push_back(
        {turn_class,
         metrics.AddGauge("penstock_dispatcher_class_waiting",
                          "Turns in the pool's line: heads of their sessions.", labels),
         metrics.AddGauge("penstock_dispatcher_class_ready",
                          "Turns in line that are prepared and want a permit.", labels),
         metrics.AddGauge("penstock_dispatcher_class_runnable",
                          "Turns in line that more adapters could start now.", labels),
         metrics.AddGauge("penstock_dispatcher_class_quota_blocked",
                          "Turns in line that limits hold back; adapters would not help.", labels),
         metrics.AddGauge("penstock_dispatcher_class_running", "Turns that hold a permit.", labels),
         metrics.AddGauge("penstock_dispatcher_class_oldest_wait_seconds",
                          "Since the first of those in line joined it; 0: none waits.", labels),
         metrics.AddGauge("penstock_dispatcher_class_arrivals_per_second",
                          "Turns that joined the line, once for each call they want to make.",
                          labels),
         metrics.AddGauge("penstock_dispatcher_class_starts_per_second",
                          "Turns that were given a permit.", labels)});
  }
}

void ClassMetrics::Publish(const Arbiter& arbiter, const LoadSignal& signal) {
  for (const Gauges& gauges : classes_) {
    const ClassLoad load = arbiter.LoadOf(gauges.turn_class);
    gauges.waiting.Set(static_cast<double>(load.waiting));
    gauges.ready.Set(static_cast<double>(load.ready));
    const LoadSignal::Class& its = signal.classes[static_cast<size_t>(gauges.turn_class)];
    gauges.runnable.Set(static_cast<double>(its.runnable));
    gauges.quota_blocked.Set(static_cast<double>(its.quota_blocked));
    gauges.running.Set(static_cast<double>(load.running));
    gauges.oldest_wait_seconds.Set(absl::ToDoubleSeconds(load.oldest_wait));
    gauges.arrivals_per_second.Set(load.arrivals_per_second);
    gauges.starts_per_second.Set(load.starts_per_second);
  }
}

}  // namespace penstock::dispatcher
