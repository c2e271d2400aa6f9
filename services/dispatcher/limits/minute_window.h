// Fixed minutes of the provider: each begins anew, and releases a sixtieth of its allowance every
// second. What a minute does not use lapses with it.
#pragma once

#include "services/dispatcher/limits/rate_window.h"

namespace penstock::dispatcher {

// When a minute begins is known between two bounds: those of all that the provider said of their
// ends. Before it has said anything, they begin at the start. Nothing is released before the later
// bound. What may be charged after the earlier bound of the next minute counts in both.
class MinuteWindow : public RateWindow {
 public:
  MinuteWindow(double per_minute, absl::Duration now);

  double capacity() const override { return allowance_; }
  double Available(absl::Duration now) override;
  absl::Duration TimeTo(double amount, absl::Duration now) override;
  void Take(const Charge& charge) override;
  void Correct(const Charge& charge, double actual, absl::Duration now) override;
  void SetAllowance(double per_minute, absl::Duration now) override;
  void LearnMinuteEnd(absl::Duration in, absl::Duration asked, absl::Duration now) override;

 private:
  void Roll(absl::Duration now);
  // A call permitted at `now` may be charged in the next minute. Once it is so, it is until then.
  bool InOverlap(absl::Duration now) const;
  double PerSlice() const;

  double allowance_;
  // Of this minute.
  absl::Duration begin_earliest_;
  absl::Duration begin_latest_;
  bool begin_known_ = false;
  // Taken from `counted_from_` on.
  double used_;
  absl::Duration counted_from_;
  // Of it, what counts in the minute after this one, too: taken from `next_from_` on.
  double used_next_ = 0;
  absl::Duration next_from_ = absl::InfiniteDuration();
};

}  // namespace penstock::dispatcher
