// A bucket of one minute's allowance, refilled continuously.
#pragma once

#include "tests/providersim/rate_law.h"

namespace penstock::providersim {

// Full at start. A charge takes from the level, also below 0; a refund raises it. It never stands
// above the allowance, also when that is cut. No charge lapses.
class BucketLaw : public RateLaw {
 public:
  explicit BucketLaw(int64_t per_minute);

  std::unique_ptr<RateLaw> Clone() const override { return std::make_unique<BucketLaw>(*this); }
  void AdvanceTo(Micros now) override;
  Amount Room() const override { return level_; }
  Micros FirstFit(Micros from, Amount amount) const override;
  Micros Renewed(Amount allowance) const override { return FirstFit(now_, allowance); }
  ChargeId Charge(Amount amount) override;
  bool Refund(ChargeId charge, Amount amount) override;
  void SetAllowance(int64_t per_minute) override;

 private:
  Amount capacity() const { return per_minute_ * kToken; }

  // Also the refill in a microsecond.
  int64_t per_minute_;
  Amount level_;
  Micros now_ = 0;
};

}  // namespace penstock::providersim
