// A clock that moves when a test says so.
#pragma once

#include "libs/base/clock.h"
#include "libs/base/mutex.h"

#include "absl/time/time.h"

namespace penstock {

// Thread-safe.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::UnixEpoch() + absl::Hours(24 * 365 * 50)) : now_(now) {}

  absl::Time Now() const override {
    MutexLock lock(mutex_);
    return now_;
  }
  absl::Duration Monotonic() const override {
    MutexLock lock(mutex_);
    return elapsed_;
  }

  void Advance(absl::Duration step) {
    MutexLock lock(mutex_);
    now_ += step;
    elapsed_ += step;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration elapsed_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace penstock
