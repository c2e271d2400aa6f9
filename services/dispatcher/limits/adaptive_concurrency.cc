#include "services/dispatcher/limits/adaptive_concurrency.h"

#include <algorithm>

namespace penstock::dispatcher {
namespace {

constexpr double kShrink = 0.9;
constexpr double kMuchSlower = 2;
constexpr absl::Duration kNoise = absl::Milliseconds(500);
constexpr double kMeanOver = 600;
constexpr double kStartAgain = 0.1;

}  // namespace

void AdaptiveConcurrency::Shrink() {
  climbing_ = false;
  limit_ = std::max(1.0, limit_ * kShrink);
}

void AdaptiveConcurrency::OnOverload() { Shrink(); }

void AdaptiveConcurrency::StartAgain() {
  climbing_ = true;
  limit_ = std::max(1.0, static_cast<double>(most_) * kStartAgain);
}

void AdaptiveConcurrency::OnFirstOutput(absl::Duration delay, bool in_use) {
  const double seconds = absl::ToDoubleSeconds(delay);
  usual_ = usual_ == 0 ? seconds : usual_ + (seconds - usual_) * 2 / (kMeanOver + 1);
  was_in_use_ = was_in_use_ || in_use;
  if (climbing_) {
    limit_ = std::min(static_cast<double>(most_), limit_ + 1);
    climbing_ = limit_ < static_cast<double>(most_);
  }
  delays_[delays_seen_++] = delay;
  if (delays_seen_ < kWindow) return;
  const auto middle = delays_.begin() + kWindow / 2;
  std::nth_element(delays_.begin(), middle, delays_.end());
  if (*middle > kNoise && absl::ToDoubleSeconds(*middle) > kMuchSlower * usual_) {
    Shrink();
  } else if (was_in_use_) {
    limit_ = std::min(static_cast<double>(most_), limit_ + 1);
  }
  delays_seen_ = 0;
  was_in_use_ = false;
}

}  // namespace penstock::dispatcher
