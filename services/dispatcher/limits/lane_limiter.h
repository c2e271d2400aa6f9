// What one lane (region, provider, account, model) may be asked for.
#pragma once

#include <cstdint>
#include <optional>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/dispatcher/v1/operations.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Given by the pool's arbiter, used once. Rises, above 0.
using PermitId = uint64_t;

// What one call takes: input tokens, counted, and at most so many output tokens.
struct CallSize {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// How many calls of one size could be made now, and what stops the one after them.
struct Room {
  int64_t calls = 0;
  v1::Hold held_by = v1::HOLD_UNSPECIFIED;
};

// A pure state machine: no I/O, no clock (`now` is Clock::Monotonic), no lock of its own.
//
// A reservation ends once, by Settle, GiveBack, Refused or Expire; a second end, and any call for a
// permit that the limiter does not know, changes nothing.
class LaneLimiter {
 public:
  virtual ~LaneLimiter() = default;

  // INVALID_ARGUMENT (IMPOSSIBLE_COST): more than the lane could ever give at once; what, and how
  // much it could.
  virtual absl::Status CheckPossible(const CallSize& call) const = 0;
  // Zero: the call fits and is booked under `permit`. Otherwise nothing is booked; the answer is
  // how long until it may fit, absl::InfiniteDuration() when only the end of another call can help.
  virtual absl::Duration Reserve(PermitId permit, const CallSize& call, absl::Duration now) = 0;
  // Without booking anything.
  virtual Room RoomFor(const CallSize& call, absl::Duration now) = 0;

  // The provider has just answered, with output to come.
  virtual void Answered(PermitId permit, const provider::v1::RateLimits& said,
                        absl::Duration now) = 0;
  virtual void FirstOutput(PermitId permit, absl::Duration now) = 0;
  // The provider was too busy for the call. Does not end the reservation.
  virtual void Overloaded(PermitId permit, absl::Duration now) = 0;
  // The provider answers again after an outage: few calls at a time first, then more and more.
  virtual void StartAgain() = 0;

  // The call has ended; what it did not use is given back. An absent count is taken as reserved.
  virtual void Settle(PermitId permit, const chat::v1::Usage& actual, absl::Duration now) = 0;
  // Nothing was sent: as if it had never been reserved.
  virtual void GiveBack(PermitId permit, absl::Duration now) = 0;
  // The provider refused the call, too many requests, and charged nothing.
  virtual void Refused(PermitId permit, std::optional<absl::Duration> retry_after,
                       const provider::v1::RateLimits& said, absl::Duration now) = 0;
  // No settlement came in time: all that was reserved counts as spent.
  virtual void Expire(PermitId permit, absl::Duration now) = 0;

  // Calls under way, and how many there may be at once.
  virtual int64_t in_flight() const = 0;
  virtual int64_t concurrency() const = 0;
  // Calls that the known rates allow in a second, of the size that calls had on average: an
  // exponential mean over 64. Infinity: none is known. 0: no call has ended yet.
  virtual double calls_per_second() const = 0;
  // Of the known rates, what is in use: below 1 after a refusal.
  virtual double rate_factor() const = 0;
  // Until a call may be made after a refusal.
  virtual absl::Duration PauseLeft(absl::Duration now) const = 0;
};

}  // namespace penstock::dispatcher
