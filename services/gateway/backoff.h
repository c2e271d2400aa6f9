// Pauses between attempts that go to the same service.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace penstock::gateway {

// 20 ms, doubling to 1 s; each pause is shortened by up to a half, by `seed`, so that the callers
// who lost one dispatcher do not all come back at once.
class Backoff {
 public:
  explicit Backoff(uint64_t seed) : share_(static_cast<double>(seed % 1024) / 1023) {}

  absl::Duration Next() {
    const absl::Duration pause = longest_ * (1 - share_ / 2);
    longest_ = std::min(longest_ * 2, kMax);
    return pause;
  }

  void Reset() { longest_ = kMin; }

 private:
  static constexpr absl::Duration kMin = absl::Milliseconds(20);
  static constexpr absl::Duration kMax = absl::Seconds(1);

  double share_;
  absl::Duration longest_ = kMin;
};

}  // namespace penstock::gateway
