// Removes what is due from a SessionStore, every now and then.
#pragma once

#include <memory>

#include "libs/async/awaitable.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "services/session_state/session_store.h"

#include "absl/time/time.h"

namespace penstock::session_state {

// Sweeps `interval` after the start and after the end of each sweep. Metrics:
// penstock_session_state_swept_total, penstock_session_state_sweep_failures_total.
class Sweeper {
 public:
  // The references must outlive it.
  Sweeper(SessionStore& store, Executor executor, Timers& timers, Clock& clock,
          obs::Metrics& metrics, absl::Duration interval);
  // Stops; blocks until a sweep that runs has ended.
  ~Sweeper();

 private:
  void Arm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnTimer();
  Awaitable<void> Run();
  bool stopping();

  SessionStore& store_;
  const Executor executor_;
  Timers& timers_;
  Clock& clock_;
  const absl::Duration interval_;
  prometheus::Counter& swept_;
  prometheus::Counter& failures_;

  // A timer that is dropped may be in the middle of its callback: that one finds this empty.
  struct Alive {
    Mutex mutex;
    Sweeper* sweeper ABSL_GUARDED_BY(mutex) = nullptr;
  };
  const std::shared_ptr<Alive> alive_ = std::make_shared<Alive>();

  Mutex mutex_;
  CondVar idle_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Timer> timer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::session_state
