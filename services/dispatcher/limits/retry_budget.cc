#include "services/dispatcher/limits/retry_budget.h"

#include <algorithm>

namespace penstock::dispatcher {

RetryBudget::Second& RetryBudget::At(absl::Duration now) {
  const int64_t number = absl::ToInt64Seconds(now);
  Second& second = seconds_[static_cast<size_t>(number % kSeconds)];
  if (second.number != number) second = {.number = number};
  return second;
}

void RetryBudget::CountCall(absl::Duration now) { ++At(now).calls; }

bool RetryBudget::TakeRetry(absl::Duration now) {
  Second& current = At(now);
  int64_t calls = 0;
  int64_t retries = 0;
  for (const Second& second : seconds_) {
    if (second.number <= current.number - kSeconds) continue;
    calls += second.calls;
    retries += second.retries;
  }
  if (retries >= std::max<int64_t>(10, calls / 10)) return false;
  ++current.retries;
  return true;
}

}  // namespace penstock::dispatcher
