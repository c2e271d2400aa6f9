// How many calls of a lane may be repetitions of failed ones.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace penstock::dispatcher {

// At most a tenth of the lane's calls of the last 10 s (and always 10), so that a failing provider
// is not buried under retries. A pure state machine on the clock of its caller.
class RetryBudget {
 public:
  void CountCall(absl::Duration now);
  // Books one repetition; false when there is no room for it.
  bool TakeRetry(absl::Duration now);

 private:
  static constexpr int kSeconds = 10;
  struct Second {
    int64_t number = -1;
    int64_t calls = 0;
    int64_t retries = 0;
  };
  Second& At(absl::Duration now);

  std::array<Second, kSeconds> seconds_;
};

}  // namespace penstock::dispatcher
