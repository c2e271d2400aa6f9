// Whether adapters take the calls of one pool, and how it is found out that they do again.
#pragma once

#include <cstdint>

#include "services/dispatcher/limits/lane_limiter.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Between permits and adapters: what no adapter takes waits in line, at its place, instead of being
// offered again and again.
//
// Open until a call is not taken, because every adapter is full or there is none. Closed, it gives
// one permit for each call that ends, whose slot is free then, and besides, in rounds: one permit,
// twice as many as long as all are taken, 20 ms apart; after a round that was not, a single one
// again, after 20 ms, twice as long each time, at most 250 ms. It opens when a permit that it
// offers has not been wanted for 250 ms.
//
// A pure state machine: no clock (`now` is Clock::Monotonic), no lock of its own.
class AdapterGate {
 public:
  // The last call that was offered was not taken.
  bool closed() const { return closed_; }

  // Zero: a permit may be given. Otherwise how long until one may, if no call ends before.
  absl::Duration Wait(absl::Duration now);
  // A permit is given, for which there was no wait. Permits rise.
  void OnPermit(PermitId permit);
  // Its call was not taken.
  void OnNotTaken(PermitId permit, absl::Duration now);
  // A call that an adapter had taken has ended.
  void OnEnd(absl::Duration now);

 private:
  void Offer(int64_t permits, absl::Duration now);

  bool closed_ = false;
  // While closed: permits that may be given, and since when there are any.
  int64_t offered_ = 0;
  absl::Duration offered_at_ = absl::ZeroDuration();
  // Of the round under way, or the next one.
  int64_t round_ = 1;
  bool round_begun_ = false;
  absl::Duration next_round_ = absl::ZeroDuration();
  // After the next refusal.
  absl::Duration delay_ = absl::ZeroDuration();
  PermitId last_permit_ = 0;
  // Older ones were given before it was known.
  PermitId counted_from_ = 0;
};

}  // namespace penstock::dispatcher
