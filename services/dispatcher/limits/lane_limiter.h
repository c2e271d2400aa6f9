// What one lane (region, provider, account, model) may be asked for.
#pragma once

#include <cstdint>

#include "penstock/chat/v1/message.pb.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Given by the pool's arbiter, used once.
using PermitId = uint64_t;

// A pure state machine: no I/O, no clock (`now` is Clock::Monotonic), no lock of its own.
//
// A reservation ends once, by Settle, GiveBack or Expire; a second end, and one of a permit the
// limiter does not know, changes nothing.
class LaneLimiter {
 public:
  virtual ~LaneLimiter() = default;

  // Zero: the call fits and is booked under `permit`. Otherwise nothing is booked; the answer is
  // how long until it may fit, absl::InfiniteDuration() when only the end of another call can help.
  virtual absl::Duration Reserve(PermitId permit, int64_t input_tokens, int64_t output_tokens,
                                 absl::Duration now) = 0;
  // The call has ended; what it did not use is given back. An absent count is taken as reserved.
  virtual void Settle(PermitId permit, const chat::v1::Usage& actual, absl::Duration now) = 0;
  // Nothing was sent: as if it had never been reserved.
  virtual void GiveBack(PermitId permit, absl::Duration now) = 0;
  // No settlement came in time: all that was reserved counts as spent.
  virtual void Expire(PermitId permit, absl::Duration now) = 0;

  // Calls under way, and how many there may be at once.
  virtual int64_t in_flight() const = 0;
  virtual int64_t concurrency() const = 0;
};

}  // namespace penstock::dispatcher
