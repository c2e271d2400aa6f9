// The system's clock, which a test can set ahead.
#pragma once

#include "libs/base/clock.h"
#include "libs/base/mutex.h"

#include "absl/time/time.h"

namespace penstock {

// For tests in which real threads and timers are at work, too. Thread-safe.
class SkewedClock : public Clock {
 public:
  absl::Time Now() const override { return SystemClock().Now() + skew(); }
  absl::Duration Monotonic() const override { return SystemClock().Monotonic() + skew(); }

  void Advance(absl::Duration step) {
    MutexLock lock(mutex_);
    skew_ += step;
  }

 private:
  absl::Duration skew() const {
    MutexLock lock(mutex_);
    return skew_;
  }

  mutable Mutex mutex_;
  absl::Duration skew_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace penstock
