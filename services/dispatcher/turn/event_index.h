// The index of a turn event: opaque to callers, strictly rising within a turn, also over runs.
//
//   63      62..39 (24 bits)   38..31 (8 bits)   30..0 (31 bits)
//   0       epoch of the shard run               sequence
//
// The epoch rises at every start, so no index is used for two contents even if the newest events,
// or the record of the run, were lost in a crash. The sequence counts the bytes of text within a
// run: a delta's index is that of its last byte, any other event takes 1. Any stretch of text thus
// has an index of its own, and a reader may stop and resume between any two characters.
#pragma once

#include <cstdint>

namespace penstock::dispatcher {

struct EventIndex {
  // At least 1, below 2^24.
  int64_t epoch = 0;
  // From 1; kept modulo 256 in the index. Within one epoch a turn is run far less often.
  int64_t run = 0;
  int64_t sequence = 0;

  friend bool operator==(const EventIndex&, const EventIndex&) = default;
};

inline constexpr int64_t kMaxEpoch = (int64_t{1} << 24) - 1;
inline constexpr int64_t kMaxSequence = (int64_t{1} << 31) - 1;

// Accepted is the same event in all runs, so it has the same index in all: below every other one.
inline constexpr int64_t kAcceptedIndex = 1;

constexpr int64_t PackEventIndex(EventIndex index) {
  return index.epoch << 39 | (index.run & 0xff) << 31 | index.sequence;
}

constexpr EventIndex UnpackEventIndex(int64_t index) {
  return {.epoch = index >> 39, .run = index >> 31 & 0xff, .sequence = index & kMaxSequence};
}

// Both are of the same run of the same epoch.
constexpr bool SameRun(int64_t a, int64_t b) { return a >> 31 == b >> 31; }

}  // namespace penstock::dispatcher
