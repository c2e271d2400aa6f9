// What a lane does about "too many requests": it pauses, goes on more slowly, and climbs back.
#pragma once

#include <optional>

#include "absl/time/time.h"

namespace penstock::dispatcher {

// A pure state machine on the clock of its caller.
class Throttle {
 public:
  // A call that was permitted at `permitted` was refused. Pauses for `retry_after`, 1 s if the
  // provider gave none. Unless the call is older than the last cut, the rate is cut to 0.7 of what
  // it was.
  void OnRefused(std::optional<absl::Duration> retry_after, absl::Duration permitted,
                 absl::Duration now);

  absl::Duration PauseLeft(absl::Duration now) const;
  // Of the known rate: after a cut a tenth more for every minute without a refusal, at most 1.
  double Factor(absl::Duration now);
  // Until Factor rises by itself; InfiniteDuration: it is 1.
  absl::Duration TimeToClimb(absl::Duration now) const;

 private:
  double factor_ = 1;
  // When it last fell or rose.
  absl::Duration changed_ = -absl::InfiniteDuration();
  absl::Duration cut_ = -absl::InfiniteDuration();
  absl::Duration paused_until_ = -absl::InfiniteDuration();
};

}  // namespace penstock::dispatcher
