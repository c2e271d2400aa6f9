// How an allowance of a provider (requests or tokens a minute) renews, as we shadow it: what this
// says is available, the provider has.
#pragma once

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Part of an allowance, taken at `at` on the clock of the caller.
struct Charge {
  double amount = 0;
  // Of `amount`, what may come back when the call ends.
  double refundable = 0;
  absl::Duration at = absl::ZeroDuration();
};

// A pure state machine: no clock (`now` never falls), no lock. Amounts are requests or tokens.
//
// Begins with nothing available: what was taken before the start is not known.
class RateWindow {
 public:
  // The provider charges a call at most this long after its permit; a longer way may end in a
  // refusal.
  static constexpr absl::Duration kLatency = absl::Milliseconds(500);

  virtual ~RateWindow() = default;

  // The most that may ever be available; a call that takes more can never be made.
  virtual double capacity() const = 0;
  // What may be taken now; below 0: more was taken than allowed.
  virtual double Available(absl::Duration now) = 0;
  // How long until so much is available if nothing is taken meanwhile; zero: it is. `amount` is at
  // most `capacity`.
  virtual absl::Duration TimeTo(double amount, absl::Duration now) = 0;

  virtual void Take(const Charge& charge) = 0;
  // A charge took `actual` in the end. Once for each charge with a refundable part.
  virtual void Correct(const Charge& charge, double actual, absl::Duration now) = 0;
  // The provider has said that so much is available. Believed when it is less than we think: then
  // somebody else has taken the rest.
  void Lower(double available, absl::Duration now);

  // From now on. What was taken stays taken.
  virtual void SetAllowance(double per_minute, absl::Duration now) = 0;
  // For a window that has minutes: the provider has said, at a time between `asked` and `now`, that
  // its minute ends after so long.
  virtual void LearnMinuteEnd(absl::Duration /*in*/, absl::Duration /*asked*/,
                              absl::Duration /*now*/) {}

 private:
  virtual void TakenByOthers(double amount, absl::Duration now);
};

}  // namespace penstock::dispatcher
