#include "services/session_state/sweeper.h"

#include <utility>

#include <boost/asio/post.hpp>

#include "libs/base/log.h"

namespace penstock::session_state {
namespace {

constexpr int kRowsAtOnce = 256;

}  // namespace

Sweeper::Sweeper(SessionStore& store, Executor executor, Timers& timers, Clock& clock,
                 obs::Metrics& metrics, absl::Duration interval)
    : store_(store),
      executor_(std::move(executor)),
      timers_(timers),
      clock_(clock),
      interval_(interval),
      swept_(metrics.AddCounter("penstock_session_state_swept_total",
                                "Rows that were due: expired or used sessions, old request ids")),
      failures_(metrics.AddCounter("penstock_session_state_sweep_failures_total",
                                   "Sweeps that failed and are tried again")) {
  {
    MutexLock lock(alive_->mutex);
    alive_->sweeper = this;
  }
  MutexLock lock(mutex_);
  Arm();
}

Sweeper::~Sweeper() {
  std::unique_ptr<Timer> dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped = std::move(timer_);
  }
  dropped.reset();
  {
    MutexLock lock(alive_->mutex);
    alive_->sweeper = nullptr;
  }
  MutexLock lock(mutex_);
  while (running_) idle_.Wait(mutex_);
}

void Sweeper::Arm() {
  timer_ = timers_.After(interval_, [alive = alive_] {
    MutexLock lock(alive->mutex);
    if (alive->sweeper) alive->sweeper->OnTimer();
  });
}

void Sweeper::OnTimer() {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    running_ = true;
  }
  // Not on this thread: the sweep would begin under the lock of `alive_`.
  boost::asio::post(executor_, [this] { Spawn(executor_, Run()); });
}

bool Sweeper::stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

Awaitable<void> Sweeper::Run() {
  while (!stopping()) {
    const auto due = co_await store_.Sweep(clock_.Now(), kRowsAtOnce);
    if (!due.ok()) {
      failures_.Increment();
      Log(Severity::kWarning, "a sweep of expired sessions failed; it is tried again",
          {{"error", absl::string_view(due.status().message())}});
      break;
    }
    swept_.Increment(*due);
    if (*due < kRowsAtOnce) break;
  }
  MutexLock lock(mutex_);
  running_ = false;
  if (!stopping_) Arm();
  idle_.NotifyAll();
}

}  // namespace penstock::session_state
