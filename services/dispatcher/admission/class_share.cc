#include "services/dispatcher/admission/class_share.h"

#include <algorithm>

namespace penstock::dispatcher {

double ShareOf(chat::v1::TurnClass turn_class) {
  switch (turn_class) {
    case chat::v1::CLASS_ACTION:
      return 1;
    case chat::v1::CLASS_PAID:
      return 0.9;
    case chat::v1::CLASS_FREE:
      return 0.75;
    default:
      return 0.5;
  }
}

int64_t PartOf(int64_t all, double share) {
  // 0.9 of 10 is 9, also where floating point has it a little less.
  const auto part = static_cast<int64_t>(static_cast<double>(all) * share + 1e-6);
  return std::max<int64_t>(1, part);
}

}  // namespace penstock::dispatcher
