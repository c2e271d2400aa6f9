// How many calls at a time a provider takes without slowing down.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace penstock::dispatcher {

// A pure state machine. Time to first output is its only measure of delay: the length of an answer
// would look like congestion. Of every 20 the median is taken. More than twice the usual (an
// exponential mean over 600) and more than half a second, or an overload error: the limit falls by
// a tenth. Otherwise it rises by one if it was in use, to at most what is configured. After an
// outage it begins at a tenth of that and rises by one with every first output, until one of the
// two comes.
class AdaptiveConcurrency {
 public:
  // `most` is at least 1; it begins there.
  explicit AdaptiveConcurrency(int64_t most) : most_(most), limit_(static_cast<double>(most)) {}

  // At least 1.
  int64_t limit() const { return static_cast<int64_t>(limit_); }
  // `in_use`: as many calls are under way as the limit allows.
  void OnFirstOutput(absl::Duration delay, bool in_use);
  void OnOverload();
  // The provider answers again.
  void StartAgain();

 private:
  static constexpr size_t kWindow = 20;

  void Shrink();

  const int64_t most_;
  double limit_;
  bool climbing_ = false;
  std::array<absl::Duration, kWindow> delays_;
  size_t delays_seen_ = 0;
  bool was_in_use_ = false;
  // Seconds; 0: not known yet.
  double usual_ = 0;
};

}  // namespace penstock::dispatcher
