// What was charged in the last 60 seconds is at most the minute's allowance.
#pragma once

#include "tests/providersim/charge_window.h"
#include "tests/providersim/rate_law.h"

namespace penstock::providersim {

// A charge at t counts before t + 60 s, and has lapsed then. A refund corrects it where it stands.
class SlidingLaw : public RateLaw {
 public:
  explicit SlidingLaw(int64_t per_minute) : per_minute_(per_minute) {}

  std::unique_ptr<RateLaw> Clone() const override { return std::make_unique<SlidingLaw>(*this); }
  void AdvanceTo(Micros now) override;
  Amount Room() const override { return per_minute_ * kToken - charges_.sum(); }
  Micros FirstFit(Micros from, Amount amount) const override;
  Micros Renewed(Amount allowance) const override { return FirstFit(now_, allowance); }
  ChargeId Charge(Amount amount) override { return charges_.Append(now_, amount); }
  bool Refund(ChargeId charge, Amount amount) override;
  void SetAllowance(int64_t per_minute) override { per_minute_ = per_minute; }

 private:
  int64_t per_minute_;
  ChargeWindow charges_;
  Micros now_ = 0;
};

}  // namespace penstock::providersim
