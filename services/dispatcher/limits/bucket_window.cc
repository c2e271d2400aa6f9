#include "services/dispatcher/limits/bucket_window.h"

#include <algorithm>

namespace penstock::dispatcher {

BucketWindow::BucketWindow(double per_minute, absl::Duration now)
    : per_second_(per_minute / kSecondsHeld), at_(now) {}

void BucketWindow::RefillTo(absl::Duration time) {
  const double brim = std::max(level_, capacity() - refundable_ - recent_sum_);
  level_ = std::min(brim, level_ + per_second_ * absl::ToDoubleSeconds(time - at_));
  at_ = time;
}

void BucketWindow::Refill(absl::Duration now) {
  while (!recent_.empty() && recent_.front().at + kLatency <= now) {
    RefillTo(recent_.front().at + kLatency);
    recent_sum_ -= recent_.front().amount;
    recent_.pop_front();
  }
  if (recent_.empty()) recent_sum_ = 0;
  RefillTo(now);
}

double BucketWindow::Available(absl::Duration now) {
  Refill(now);
  return level_;
}

absl::Duration BucketWindow::TimeTo(double amount, absl::Duration now) {
  const double missing = amount - Available(now);
  if (missing <= 0) return absl::ZeroDuration();
  if (amount > capacity() - refundable_) return absl::InfiniteDuration();
  const absl::Duration refilled = absl::Seconds(missing / per_second_);
  if (amount <= capacity() - refundable_ - recent_sum_) return refilled;
  return std::max(refilled, recent_.front().at + kLatency - now);
}

void BucketWindow::Take(const Charge& charge) {
  Refill(charge.at);
  level_ -= charge.amount;
  refundable_ += charge.refundable;
  recent_.push_back({charge.at, charge.amount - charge.refundable});
  recent_sum_ += recent_.back().amount;
}

void BucketWindow::Correct(const Charge& charge, double actual, absl::Duration now) {
  Refill(now);
  refundable_ -= charge.refundable;
  level_ += charge.amount - actual;
}

void BucketWindow::SetAllowance(double per_minute, absl::Duration now) {
  Refill(now);
  per_second_ = per_minute / kSecondsHeld;
  level_ = std::min(level_, per_minute);
}

}  // namespace penstock::dispatcher
