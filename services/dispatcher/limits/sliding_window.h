// What was taken in the last 60 s is at most one minute's allowance.
#pragma once

#include <array>
#include <cstdint>

#include "services/dispatcher/limits/rate_window.h"

namespace penstock::dispatcher {

// Counts in slices of 250 ms, each for 60 s and a kLatency. What was taken before the start, or by
// others, is thought to be spread evenly over the last minute.
class SlidingWindow : public RateWindow {
 public:
  SlidingWindow(double per_minute, absl::Duration now);

  double capacity() const override { return allowance_; }
  double Available(absl::Duration now) override;
  absl::Duration TimeTo(double amount, absl::Duration now) override;
  void Take(const Charge& charge) override;
  void Correct(const Charge& charge, double actual, absl::Duration now) override;
  void SetAllowance(double per_minute, absl::Duration now) override;

 private:
  // Of 60 s and a kLatency, and the one that is being filled.
  static constexpr int64_t kSlices = (60 * 1000 + 500) / 250 + 1;

  static int64_t SliceAt(absl::Duration time);
  double& Of(int64_t slice) { return taken_[static_cast<size_t>(slice % kSlices)]; }
  bool Counts(int64_t slice) const { return slice > newest_ - kSlices && slice <= newest_; }
  void Advance(absl::Duration now);
  void TakenByOthers(double amount, absl::Duration now) override;

  double allowance_;
  int64_t newest_;
  std::array<double, kSlices> taken_ = {};
};

}  // namespace penstock::dispatcher
