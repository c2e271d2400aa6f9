// Timers that fire when a test moves the clock.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "libs/async/timers.h"
#include "libs/base/fake_clock.h"

namespace penstock {

// Thread-safe.
class FakeTimers : public Timers {
 public:
  explicit FakeTimers(FakeClock& clock) : clock_(clock) {}

  std::unique_ptr<Timer> After(absl::Duration delay, absl::AnyInvocable<void()> callback) override {
    MutexLock lock(mutex_);
    const Key key{clock_.Monotonic() + delay, next_++};
    pending_.emplace(key, std::move(callback));
    return std::make_unique<Handle>(*this, key);
  }

  // Moves the clock step by step to each timer that falls due and calls it, on this thread.
  void Advance(absl::Duration step) {
    const absl::Duration end = clock_.Monotonic() + step;
    while (auto due = TakeDue(end)) due();
    clock_.Advance(end - clock_.Monotonic());
  }

 private:
  using Key = std::pair<absl::Duration, int64_t>;

  class Handle : public Timer {
   public:
    Handle(FakeTimers& timers, Key key) : timers_(timers), key_(key) {}
    ~Handle() override {
      MutexLock lock(timers_.mutex_);
      timers_.pending_.erase(key_);
    }

   private:
    FakeTimers& timers_;
    Key key_;
  };

  absl::AnyInvocable<void()> TakeDue(absl::Duration end) {
    MutexLock lock(mutex_);
    const auto first = pending_.begin();
    if (first == pending_.end() || first->first.first > end) return nullptr;
    if (first->first.first > clock_.Monotonic()) {
      clock_.Advance(first->first.first - clock_.Monotonic());
    }
    auto due = std::move(first->second);
    pending_.erase(first);
    return due;
  }

  FakeClock& clock_;
  Mutex mutex_;
  int64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Key, absl::AnyInvocable<void()>> pending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock
