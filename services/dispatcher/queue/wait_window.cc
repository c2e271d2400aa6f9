#include "services/dispatcher/queue/wait_window.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kSlice = absl::Seconds(5);
constexpr absl::Duration kFirstEnd = absl::Milliseconds(1);
constexpr double kBucketsAnOctave = 8;

}  // namespace

size_t WaitWindow::BucketOf(absl::Duration wait) {
  if (wait <= kFirstEnd) return 0;
  const double octaves = std::log2(absl::FDivDuration(wait, kFirstEnd));
  const double bucket = std::ceil(octaves * kBucketsAnOctave);
  return static_cast<size_t>(std::min(bucket, static_cast<double>(kBuckets - 1)));
}

absl::Duration WaitWindow::EndOf(size_t bucket) {
  return kFirstEnd * std::exp2(static_cast<double>(bucket) / kBucketsAnOctave);
}

void WaitWindow::Advance(absl::Duration now) {
  const int64_t slice = now / kSlice;
  for (newest_ = std::max(newest_, slice - kSlices); newest_ < slice;) {
    Histogram& oldest = Of(++newest_);
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) total_[bucket] -= oldest[bucket];
    oldest = {};
  }
}

void WaitWindow::Add(absl::Duration wait, absl::Duration now) {
  Advance(now);
  const size_t bucket = BucketOf(wait);
  ++Of(newest_)[bucket];
  ++total_[bucket];
}

std::optional<absl::Duration> WaitWindow::Quantile(double part, absl::Duration now) {
  Advance(now);
  const uint64_t waits = std::accumulate(total_.begin(), total_.end(), uint64_t{0});
  if (waits == 0) return std::nullopt;
  const double rank = std::max(1.0, std::ceil(part * static_cast<double>(waits)));
  double seen = 0;
  size_t bucket = 0;
  while ((seen += total_[bucket]) < rank) ++bucket;
  return EndOf(bucket);
}

}  // namespace penstock::dispatcher
