// Timers that fire on the thread of an event loop. Setting one on that thread wakes nobody.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace penstock::http {

// Thread-safe. Must outlive its timers.
class LoopTimers : public Timers {
 public:
  // `wake` is called, on any thread, when the loop must look at NextDue again.
  LoopTimers(Clock& clock, absl::AnyInvocable<void()> wake)
      : clock_(clock), wake_(std::move(wake)) {}

  std::unique_ptr<Timer> After(absl::Duration delay, absl::AnyInvocable<void()> callback) override;

  // The loop: when the earliest timer is due, by the clock's monotonic time.
  absl::Duration NextDue() const;
  // The loop: calls all that are due.
  void RunDue();

 private:
  class Handle;
  // The number tells timers of the same moment apart.
  using Key = std::pair<absl::Duration, int64_t>;

  absl::AnyInvocable<void()> TakeDue(absl::Duration now);

  Clock& clock_;
  absl::AnyInvocable<void()> wake_;
  mutable Mutex mutex_;
  int64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Key, absl::AnyInvocable<void()>> pending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::http
