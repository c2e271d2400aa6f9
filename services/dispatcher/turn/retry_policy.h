// Whether a failed attempt is made again, and when. The only retry loop of the mesh uses it.
#pragma once

#include <cstdint>
#include <optional>

#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// How often a turn that the provider refused, too many requests, goes back into line. It is no
// attempt.
inline constexpr int32_t kMaxReturns = 10;

// Attempts on a model while another may take over: the third would come after the user's patience.
inline constexpr int32_t kAttemptsBeforeFallback = 2;

// A pause of a failing provider that is longer than this sends a turn on, if another model takes
// it.
inline constexpr absl::Duration kLongDelay = absl::Seconds(2);

// What has been tried for one step of a turn on one model.
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
