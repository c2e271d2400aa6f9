#include "services/dispatcher/limits/throttle.h"

#include <algorithm>

namespace penstock::dispatcher {
namespace {

constexpr double kCut = 0.7;
constexpr double kMinFactor = 0.01;
constexpr double kStep = 0.1;
constexpr absl::Duration kClimb = absl::Minutes(1);
constexpr absl::Duration kPause = absl::Seconds(1);

}  // namespace

void Throttle::OnRefused(std::optional<absl::Duration> retry_after, absl::Duration permitted,
                         absl::Duration now) {
  paused_until_ = std::max(paused_until_, now + retry_after.value_or(kPause));
  const double factor = Factor(now);
  changed_ = now;
  if (permitted <= cut_) return;
  factor_ = std::max(kMinFactor, factor * kCut);
  cut_ = now;
}

absl::Duration Throttle::PauseLeft(absl::Duration now) const {
  return std::max(paused_until_ - now, absl::ZeroDuration());
}

double Throttle::Factor(absl::Duration now) {
  while (factor_ < 1 && now - changed_ >= kClimb) {
    factor_ += kStep;
    if (factor_ > 1 - kStep / 2) factor_ = 1;
    changed_ += kClimb;
  }
  return factor_;
}

absl::Duration Throttle::TimeToClimb(absl::Duration now) const {
  return factor_ < 1 ? changed_ + kClimb - now : absl::InfiniteDuration();
}

}  // namespace penstock::dispatcher
