#include "services/dispatcher/limits/sliding_window.h"

#include <algorithm>
#include <numeric>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(250);

}  // namespace

SlidingWindow::SlidingWindow(double per_minute, absl::Duration now)
    : allowance_(per_minute), newest_(SliceAt(now)) {
  TakenByOthers(per_minute, now);
}

void SlidingWindow::TakenByOthers(double amount, absl::Duration now) {
  Advance(now);
  for (double& taken : taken_) taken += amount / kSlices;
}

// From 1 minute on, so that the slices before the start have numbers, too.
int64_t SlidingWindow::SliceAt(absl::Duration time) { return kSlices + time / kSlice; }

void SlidingWindow::Advance(absl::Duration now) {
  const int64_t slice = SliceAt(now);
  for (newest_ = std::max(newest_, slice - kSlices); newest_ < slice;) Of(++newest_) = 0;
}

double SlidingWindow::Available(absl::Duration now) {
  Advance(now);
  return allowance_ - std::accumulate(taken_.begin(), taken_.end(), 0.0);
}

absl::Duration SlidingWindow::TimeTo(double amount, absl::Duration now) {
  double available = Available(now);
  if (available >= amount) return absl::ZeroDuration();
  for (int64_t age = 1; age <= kSlices; ++age) {
    available += Of(newest_ + age);
    if (available < amount) continue;
    return kSlice * (newest_ + age - kSlices) - now;
  }
  return absl::InfiniteDuration();
}

void SlidingWindow::Take(const Charge& charge) {
  Advance(charge.at);
  Of(newest_) += charge.amount;
}

// What was taken beyond the charge was taken later than it.
void SlidingWindow::Correct(const Charge& charge, double actual, absl::Duration now) {
  Advance(now);
  if (actual > charge.amount) {
    Of(newest_) += actual - charge.amount;
  } else if (const int64_t slice = SliceAt(charge.at); Counts(slice)) {
    Of(slice) -= charge.amount - actual;
  }
}

void SlidingWindow::SetAllowance(double per_minute, absl::Duration now) {
  Advance(now);
  allowance_ = per_minute;
}

}  // namespace penstock::dispatcher
