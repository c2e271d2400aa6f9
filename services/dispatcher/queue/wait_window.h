// How long those who started within the last minute had waited.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace penstock::dispatcher {

// A histogram for each of the last 12 slices of 5 s, the one that is being filled included. `now`
// is Clock::Monotonic and never falls. Of constant size, about 12 KiB.
class WaitWindow {
 public:
  void Add(absl::Duration wait, absl::Duration now);
  // What this part of the waits, 0 to 1, was not longer than: rounded up, by at most 9 %, to at
  // least 1 ms and at most 37 h. None: nobody started.
  std::optional<absl::Duration> Quantile(double part, absl::Duration now);

 private:
  static constexpr int64_t kSlices = 12;
  // The first ends at 1 ms, each of the others at the eighth root of 2 times that before it.
  static constexpr size_t kBuckets = 27 * 8 + 1;
  using Histogram = std::array<uint32_t, kBuckets>;

  static size_t BucketOf(absl::Duration wait);
  static absl::Duration EndOf(size_t bucket);
  Histogram& Of(int64_t slice) { return slices_[static_cast<size_t>(slice % kSlices)]; }
  void Advance(absl::Duration now);

  std::array<Histogram, kSlices> slices_ = {};
  // Over all slices.
  Histogram total_ = {};
  int64_t newest_ = 0;
};

}  // namespace penstock::dispatcher
