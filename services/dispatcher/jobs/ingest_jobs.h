// Step 9 of a turn's life: handing ended turns to memory-recall, at least once.
#pragma once

#include <deque>
#include <optional>
#include <stop_token>

#include "libs/async/live_count.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/queue/journal.h"
#include "services/dispatcher/turn/peers.h"

namespace penstock::dispatcher {

// Runs at most `max_in_flight` at a time; the others wait. A job that fails for now is tried again
// for ever; one whose turn is gone (its session was deleted) is done. Thread-safe.
class IngestJobs {
 public:
  struct Context {
    Peers peers;
    Journal& journal;
    Clock& clock;
    Timers& timers;
    Executor executor;
    LiveCount& running;
    std::stop_token shutdown;
  };

  IngestJobs(Context context, int32_t max_in_flight, obs::Metrics& metrics);

  // `turn` saves a read when it is at hand.
  void Add(PendingJob job, std::optional<chat::v1::Turn> turn);

 private:
  struct Waiting {
    PendingJob job;
    std::optional<chat::v1::Turn> turn;
  };

  Awaitable<void> Work(Waiting first);
  Awaitable<void> Finish(Waiting job);
  // OK: done, or nothing to do any more.
  Awaitable<absl::Status> Try(const Waiting& waiting);
  std::optional<Waiting> Next();

  const Context context_;
  const int32_t max_in_flight_;
  prometheus::Gauge& backlog_;
  prometheus::Counter& failures_;
  Mutex mutex_;
  int32_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
