#include "services/gateway/stall_watch.h"

#include <utility>

#include "libs/base/mutex.h"

namespace penstock::gateway {

struct StallWatch::State {
  State(Timers& t, Clock& c, absl::Duration d, absl::AnyInvocable<void()> f)
      : timers(t), clock(c), timeout(d), on_stall(std::move(f)) {}

  Timers& timers;
  Clock& clock;
  const absl::Duration timeout;
  Mutex mutex;
  absl::AnyInvocable<void()> on_stall ABSL_GUARDED_BY(mutex);
  std::optional<absl::Duration> begun ABSL_GUARDED_BY(mutex);
  bool stalled ABSL_GUARDED_BY(mutex) = false;
  bool closed ABSL_GUARDED_BY(mutex) = false;
  std::unique_ptr<Timer> timer ABSL_GUARDED_BY(mutex);
};

StallWatch::StallWatch(Timers& timers, Clock& clock, absl::Duration timeout,
                       absl::AnyInvocable<void()> on_stall)
    : state_(std::make_shared<State>(timers, clock, timeout, std::move(on_stall))) {
  Arm(state_, timeout);
}

StallWatch::~StallWatch() {
  std::unique_ptr<Timer> last;
  MutexLock lock(state_->mutex);
  state_->closed = true;
  last = std::move(state_->timer);
}

void StallWatch::Begin() {
  MutexLock lock(state_->mutex);
  state_->begun = state_->clock.Monotonic();
}

bool StallWatch::End() {
  MutexLock lock(state_->mutex);
  state_->begun.reset();
  return state_->stalled;
}

void StallWatch::Arm(const std::shared_ptr<State>& state, absl::Duration delay) {
  auto next = state->timers.After(delay, [weak = std::weak_ptr<State>(state)] {
    if (const auto still = weak.lock()) Look(still);
  });
  MutexLock lock(state->mutex);
  if (!state->closed) std::swap(state->timer, next);
}

void StallWatch::Look(const std::shared_ptr<State>& state) {
  absl::Duration next = state->timeout;
  {
    MutexLock lock(state->mutex);
    if (state->closed) return;
    if (state->begun) {
      next = *state->begun + state->timeout - state->clock.Monotonic();
      if (next <= absl::ZeroDuration()) {
        state->stalled = true;
        // Under the lock: the destructor waits for it.
        return state->on_stall();
      }
    }
  }
  Arm(state, next);
}

}  // namespace penstock::gateway
