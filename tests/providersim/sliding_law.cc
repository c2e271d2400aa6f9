#include "tests/providersim/sliding_law.h"

#include <algorithm>

namespace penstock::providersim {

void SlidingLaw::AdvanceTo(Micros now) {
  now_ = now;
  charges_.DropUntil(now - kMinute);
}

Micros SlidingLaw::FirstFit(Micros from, Amount amount) const {
  const Amount missing = amount - Room();
  return missing <= 0 ? from : std::max(from, charges_.TimeOf(missing) + kMinute);
}

bool SlidingLaw::Refund(ChargeId charge, Amount amount) {
  if (!charges_.Holds(charge)) return false;
  charges_.Reduce(charge, amount);
  return true;
}

}  // namespace penstock::providersim
