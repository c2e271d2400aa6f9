// Removes expired memories and request ids from a store, every now and then.
#pragma once

#include <stop_token>

#include "libs/async/live_count.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/obs/metrics.h"
#include "services/memory_recall/memory_store.h"

namespace penstock::memory_recall {

// Sweeps each `interval` from construction to destruction, which waits for a sweep that runs. Reads
// do not depend on it: they leave out what has expired.
class MemorySweeper {
 public:
  // The references must outlive it.
  MemorySweeper(MemoryStore& store, Executor executor, Timers& timers, Clock& clock,
                obs::Metrics& metrics, absl::Duration interval);
  ~MemorySweeper();

 private:
  Awaitable<void> Run(Timers& timers, absl::Duration interval);

  MemoryStore& store_;
  Clock& clock_;
  prometheus::Counter& swept_;
  prometheus::Counter& failures_;
  std::stop_source stop_;
  LiveCount running_;
};

}  // namespace penstock::memory_recall
