#include "tests/providersim/bucket_law.h"

#include <algorithm>

namespace penstock::providersim {

BucketLaw::BucketLaw(int64_t per_minute) : per_minute_(per_minute), level_(capacity()) {}

void BucketLaw::AdvanceTo(Micros now) {
  level_ = FirstFit(now_, capacity()) <= now ? capacity() : level_ + (now - now_) * per_minute_;
  now_ = now;
}

Micros BucketLaw::FirstFit(Micros from, Amount amount) const {
  const Amount missing = std::max<Amount>(0, amount - level_);
  return std::max(from, now_ + DivideUp(missing, per_minute_));
}

ChargeId BucketLaw::Charge(Amount amount) {
  level_ -= amount;
  return 0;
}

bool BucketLaw::Refund(ChargeId, Amount amount) {
  level_ = std::min(capacity(), level_ + amount);
  return true;
}

void BucketLaw::SetAllowance(int64_t per_minute) {
  per_minute_ = per_minute;
  level_ = std::min(capacity(), level_);
}

}  // namespace penstock::providersim
