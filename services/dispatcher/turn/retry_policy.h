// Whether a failed attempt is made again, and when. The only retry loop of the mesh uses it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libs/base/mutex.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// At most a tenth of all attempts of the last 10 s may be repetitions (and always 10 of them), so
// that a failing provider is not buried under retries. Thread-safe.
class RetryBudget {
 public:
  void CountFirstAttempt(absl::Duration now);
  // Books one repetition; false when there is no room for it.
  bool TakeRetry(absl::Duration now);

 private:
  static constexpr int kSeconds = 10;
  struct Second {
    int64_t number = -1;
    int64_t first = 0;
    int64_t retries = 0;
  };
  Second& At(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  std::array<Second, kSeconds> seconds_ ABSL_GUARDED_BY(mutex_);
};

// How often a turn that the provider refused, too many requests, goes back into line. It is no
// attempt.
inline constexpr int32_t kMaxReturns = 10;

// What has been tried for one run of a turn.
struct AttemptHistory {
  // Attempts that count.
  int32_t attempts = 0;
  int32_t malformed = 0;
};

// How long to wait before the next attempt; nullopt: the turn fails. Only for an attempt of which
// the caller has seen nothing. Overload, internal errors, timeouts and broken connections are tried
// max_attempts times in all; a malformed answer once more; anything else never. Delay without a
// hint: 0.5 s × 2^n, at most 8 s, times 1 - 0.25 × jitter, jitter in [0, 1).
std::optional<absl::Duration> DelayBeforeRetry(const provider::v1::GenerateFailed& failed,
                                               const AttemptHistory& history, int32_t max_attempts,
                                               double jitter);

// The same backoff for a peer that cannot be reached: 50 ms × 2^n, at most 1 s.
absl::Duration PeerBackoff(int32_t failures);

}  // namespace penstock::dispatcher
