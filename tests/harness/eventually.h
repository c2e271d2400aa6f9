// Waiting for what another process does.
#pragma once

#include <chrono>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Whether `condition()` becomes true within `patience`; it is asked every few milliseconds.
template <class Condition>
bool Eventually(absl::Duration patience, const Condition& condition) {
  for (const absl::Time until = absl::Now() + patience; absl::Now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace penstock::harness
