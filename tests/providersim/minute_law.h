// Fixed minutes, whose allowance is released in 60 equal slices, one a second.
#pragma once

#include "tests/providersim/rate_law.h"

namespace penstock::providersim {

// The first slice is there when the minute begins. What is not used of a slice may be used later in
// the minute, and lapses at its end; so do charges, and what a minute was charged too much.
class MinuteLaw : public RateLaw {
 public:
  // A minute begins at `phase`, which is below 60 s: the one that the start falls into began
  // before.
  MinuteLaw(int64_t per_minute, Micros phase)
      : per_minute_(per_minute), to_start_(kMinute - phase), minute_(MinuteOf(0)) {}

  std::unique_ptr<RateLaw> Clone() const override { return std::make_unique<MinuteLaw>(*this); }
  void AdvanceTo(Micros now) override;
  Amount Room() const override;
  Micros FirstFit(Micros from, Amount amount) const override;
  Micros Renewed(Amount) const override { return StartOf(minute_ + 1); }
  ChargeId Charge(Amount amount) override;
  bool Refund(ChargeId charge, Amount amount) override;
  void SetAllowance(int64_t per_minute) override { per_minute_ = per_minute; }

 private:
  int64_t MinuteOf(Micros time) const { return (time + to_start_) / kMinute; }
  Micros StartOf(int64_t minute) const { return minute * kMinute - to_start_; }
  Amount slice() const { return per_minute_ * kToken / 60; }

  int64_t per_minute_;
  // From the start of minute 0 to the start of the process; in (0, 60 s].
  const Micros to_start_;
  Micros now_ = 0;
  int64_t minute_;
  // In minute_.
  Amount charged_ = 0;
};

}  // namespace penstock::providersim
