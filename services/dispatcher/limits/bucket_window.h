// A bucket that holds one minute's allowance and is refilled steadily.
#pragma once

#include <deque>

#include "services/dispatcher/limits/rate_window.h"

namespace penstock::dispatcher {

// Two things keep the level from rising to the brim. What may come back: a refund that finds the
// bucket full is lost at the provider. And what was taken in the last kLatency: the provider's
// bucket may have been full all that while, and gained nothing.
class BucketWindow : public RateWindow {
 public:
  BucketWindow(double per_minute, absl::Duration now);

  double capacity() const override { return per_second_ * kSecondsHeld; }
  double Available(absl::Duration now) override;
  absl::Duration TimeTo(double amount, absl::Duration now) override;
  void Take(const Charge& charge) override;
  void Correct(const Charge& charge, double actual, absl::Duration now) override;
  void SetAllowance(double per_minute, absl::Duration now) override;

 private:
  static constexpr double kSecondsHeld = 60;

  struct Recent {
    absl::Duration at;
    double amount;
  };

  void Refill(absl::Duration now);
  void RefillTo(absl::Duration time);

  double per_second_;
  double level_ = 0;
  absl::Duration at_;
  double refundable_ = 0;
  // Taken in the last kLatency, and not refundable.
  std::deque<Recent> recent_;
  double recent_sum_ = 0;
};

}  // namespace penstock::dispatcher
