#include "services/dispatcher/scaling/signal_metrics.h"

#include "absl/strings/ascii.h"

namespace penstock::dispatcher {

SignalMetrics::SignalMetrics(const std::string& pool, obs::Metrics& metrics)
    : required_concurrency_(metrics.AddGauge(
          "penstock_dispatcher_required_concurrency",
          "Calls that adapters have, and would have at once if there were enough of them; 0: idle.",
          {{"pool", pool}})),
      runnable_(metrics.AddGauge("penstock_dispatcher_pool_runnable",
                                 "Turns in line that more adapters could start now.",
                                 {{"pool", pool}})),
      adapters_full_(metrics.AddGauge("penstock_dispatcher_pool_adapters_full",
                                      "1: no adapter took the last call that was offered.",
                                      {{"pool", pool}})) {
  for (int hold = v1::CONCURRENCY; hold <= v1::CLASS_CAP; ++hold) {
    const std::string reason = absl::AsciiStrToLower(v1::Hold_Name(static_cast<v1::Hold>(hold)));
    quota_blocked_[static_cast<size_t>(hold)] =
        &metrics.AddGauge("penstock_dispatcher_pool_quota_blocked",
                          "Turns in line that limits hold back, by what; adapters would not help.",
                          {{"pool", pool}, {"reason", reason}});
  }
}

void SignalMetrics::Publish(const LoadSignal& signal, bool adapters_full) {
  required_concurrency_.Set(static_cast<double>(signal.required_concurrency));
  runnable_.Set(static_cast<double>(signal.runnable));
  adapters_full_.Set(adapters_full ? 1 : 0);
  for (int hold = v1::CONCURRENCY; hold <= v1::CLASS_CAP; ++hold) {
    const int64_t blocked = hold == signal.held_by ? signal.quota_blocked : 0;
    quota_blocked_[static_cast<size_t>(hold)]->Set(static_cast<double>(blocked));
  }
}

}  // namespace penstock::dispatcher
