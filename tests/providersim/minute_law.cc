#include "tests/providersim/minute_law.h"

#include <algorithm>

namespace penstock::providersim {

void MinuteLaw::AdvanceTo(Micros now) {
  now_ = now;
  if (MinuteOf(now) == minute_) return;
  minute_ = MinuteOf(now);
  charged_ = 0;
}

Amount MinuteLaw::Room() const {
  const int64_t slices = (now_ - StartOf(minute_)) / kSecond + 1;
  return slices * slice() - charged_;
}

Micros MinuteLaw::FirstFit(Micros from, Amount amount) const {
  int64_t minute = MinuteOf(from);
  Amount wanted = amount + (minute == minute_ ? charged_ : 0);
  if (wanted > 60 * slice()) {
    ++minute;
    wanted = amount;
  }
  const int64_t slices = std::max<int64_t>(1, DivideUp(wanted, slice()));
  return std::max(from, StartOf(minute) + (slices - 1) * kSecond);
}

ChargeId MinuteLaw::Charge(Amount amount) {
  charged_ += amount;
  return minute_;
}

bool MinuteLaw::Refund(ChargeId charge, Amount amount) {
  if (charge != minute_) return false;
  charged_ -= amount;
  return true;
}

}  // namespace penstock::providersim
