// Which of the processes behind one name takes the next call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// A process at one address. Never given again, also when the address comes back.
using PodId = uint64_t;

// A pure state machine: no clock (`now` is Clock::Monotonic), no lock of its own.
//
// The pod with the fewest calls is chosen, of several the one that was chosen longest ago. A pod
// that failed is avoided: for `avoid_time`, and twice as long each time that it fails again before
// a call has gone well, at most 32 times. One that was full is not asked for 250 ms, or until one
// of its calls has ended. Both are asked all the same when no other is left.
class PodChoice {
 public:
  enum class Outcome {
    kWell,
    // It has no room for the call.
    kFull,
    // It could not be reached, or broke the call.
    kFailed,
    // Nothing is known: we cut the call.
    kNothing,
  };
  struct Change {
    std::vector<PodId> come;
    std::vector<PodId> gone;
  };

  explicit PodChoice(absl::Duration avoid_time) : avoid_time_(avoid_time) {}

  // These, and no others, take calls from now on. Empty ones and doubles count as nothing.
  Change SetAddresses(std::vector<std::string> addresses);
  // Of one that has come, and is not gone.
  const std::string& AddressOf(PodId pod) const { return pods_.at(pod).address; }

  // None: all there are have been `tried`. A call begins on it.
  std::optional<PodId> Begin(const absl::flat_hash_set<PodId>& tried, absl::Duration now);
  // Once for each Begin; of a pod that is gone, nothing changes.
  void End(PodId pod, Outcome outcome, absl::Duration now);

  size_t pods() const { return pods_.size(); }
  size_t avoided(absl::Duration now) const;

 private:
  struct Pod {
    std::string address;
    int64_t calls = 0;
    // Begins of all pods before its last one.
    uint64_t chosen = 0;
    int failures = 0;
    absl::Duration avoided_until = -absl::InfiniteDuration();
    absl::Duration full_until = -absl::InfiniteDuration();
  };

  static bool Better(const Pod& a, const Pod& b, absl::Duration now);

  const absl::Duration avoid_time_;
  absl::btree_map<PodId, Pod> pods_;
  PodId next_ = 1;
  uint64_t begins_ = 0;
};

}  // namespace penstock::dispatcher
