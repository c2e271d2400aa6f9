// Time, given to whoever needs it. Nothing in Penstock asks the system for the time by itself.
#pragma once

#include "absl/time/time.h"

namespace penstock {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock: for deadlines and timestamps that are stored or sent.
  virtual absl::Time Now() const = 0;

  // Time since an arbitrary point; never goes back. For intervals and rates.
  virtual absl::Duration Monotonic() const = 0;
};

// The system's clocks. Never destroyed.
Clock& SystemClock();

}  // namespace penstock
