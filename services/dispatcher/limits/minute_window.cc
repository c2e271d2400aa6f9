#include "services/dispatcher/limits/minute_window.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kMinute = absl::Minutes(1);
constexpr absl::Duration kSlice = absl::Seconds(1);
constexpr double kSlices = 60;
// Two clocks run apart by less than this in a minute.
constexpr absl::Duration kDrift = absl::Milliseconds(5);

}  // namespace

MinuteWindow::MinuteWindow(double per_minute, absl::Duration now)
    : allowance_(per_minute),
      begin_earliest_(now),
      begin_latest_(now),
      used_(PerSlice()),
      counted_from_(now) {}

double MinuteWindow::PerSlice() const { return allowance_ / kSlices; }

bool MinuteWindow::InOverlap(absl::Duration now) const {
  return now >= next_from_ || now + kLatency >= begin_earliest_ + kMinute;
}

void MinuteWindow::Roll(absl::Duration now) {
  while (now >= begin_latest_ + kMinute) {
    begin_earliest_ += kMinute - kDrift;
    begin_latest_ += kMinute + kDrift;
    used_ = std::exchange(used_next_, 0);
    counted_from_ = std::min(begin_latest_, std::exchange(next_from_, absl::InfiniteDuration()));
  }
}

double MinuteWindow::Available(absl::Duration now) {
  Roll(now);
  const absl::Duration into = std::max(now - begin_latest_, absl::ZeroDuration());
  const double released = PerSlice() * (std::floor(absl::FDivDuration(into, kSlice)) + 1);
  const double available = std::min(released, allowance_) - used_;
  return InOverlap(now) ? std::min(available, PerSlice() - used_next_) : available;
}

absl::Duration MinuteWindow::TimeTo(double amount, absl::Duration now) {
  if (Available(now) >= amount) return absl::ZeroDuration();
  const double slices = std::ceil((amount + used_) / PerSlice()) - 1;
  const absl::Duration here = begin_latest_ + kSlice * slices;
  if (slices < kSlices && !InOverlap(here) && here > now) return here - now;
  const double slices_next = std::max(0.0, std::ceil((amount + used_next_) / PerSlice()) - 1);
  return begin_latest_ + kMinute + kDrift + kSlice * slices_next - now;
}

void MinuteWindow::Take(const Charge& charge) {
  Roll(charge.at);
  used_ += charge.amount;
  if (!InOverlap(charge.at)) return;
  used_next_ += charge.amount;
  next_from_ = std::min(next_from_, charge.at);
}

void MinuteWindow::Correct(const Charge& charge, double actual, absl::Duration now) {
  Roll(now);
  const double more = actual - charge.amount;
  if (more > 0 || charge.at >= counted_from_) used_ += more;
  if (charge.at >= next_from_) used_next_ += more;
}

void MinuteWindow::SetAllowance(double per_minute, absl::Duration now) {
  Roll(now);
  allowance_ = per_minute;
}

void MinuteWindow::LearnMinuteEnd(absl::Duration in, absl::Duration asked, absl::Duration now) {
  Roll(now);
  // Of the minutes that end as it said, the one nearest to this.
  absl::Duration off = (now + in - begin_latest_) % kMinute;
  if (off > kMinute / 2) off -= kMinute;
  if (off < -kMinute / 2) off += kMinute;
  const absl::Duration latest = begin_latest_ + off;
  const absl::Duration earliest = latest - (now - asked);
  const bool agrees = earliest <= begin_latest_ && latest >= begin_earliest_;
  if (begin_known_ && agrees) {
    begin_earliest_ = std::max(begin_earliest_, earliest);
    begin_latest_ = std::min(begin_latest_, latest);
  } else {
    begin_earliest_ = earliest;
    begin_latest_ = latest;
  }
  begin_known_ = true;
}

}  // namespace penstock::dispatcher
