#include "services/memory_recall/memory_sweeper.h"

#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/base/log.h"

namespace penstock::memory_recall {
namespace {

constexpr size_t kPerRound = 1000;

}  // namespace

MemorySweeper::MemorySweeper(MemoryStore& store, Executor executor, Timers& timers, Clock& clock,
                             obs::Metrics& metrics, absl::Duration interval)
    : store_(store),
      clock_(clock),
      swept_(metrics.AddCounter("penstock_memory_recall_swept_total",
                                "Expired memories and request ids that were removed.")),
      failures_(metrics.AddCounter("penstock_memory_recall_sweep_failures_total",
                                   "Sweeps that ended with an error.")) {
  Spawn(executor, Run(timers, interval));
}

MemorySweeper::~MemorySweeper() {
  stop_.request_stop();
  running_.WaitUntilNone();
}

Awaitable<void> MemorySweeper::Run(Timers& timers, absl::Duration interval) {
  const auto hold = running_.Hold();
  while (co_await SleepOrStop(timers, interval, stop_.get_token())) {
    size_t round = kPerRound;
    while (round == kPerRound && !stop_.stop_requested()) {
      const auto swept = co_await store_.Sweep(clock_.Now(), kPerRound);
      if (!swept.ok()) {
        failures_.Increment();
        Log(Severity::kWarning, "a sweep of expired memories failed",
            {{"status", swept.status().message()}});
        break;
      }
      round = *swept;
      swept_.Increment(static_cast<double>(round));
    }
  }
}

}  // namespace penstock::memory_recall
