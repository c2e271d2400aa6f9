// How much concurrency the queue of a pool asks for, and what holds the rest of it back.
#pragma once

#include <array>
#include <cstdint>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/operations.pb.h"
#include "services/dispatcher/limits/lane_limiter.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// What a pool has in line and under way, by class, and what its limits say.
struct PoolState {
  struct Class {
    // In line, and those of them that are ready.
    int64_t waiting = 0;
    int64_t ready = 0;
    // They hold a permit.
    int64_t running = 0;
  };
  std::array<Class, chat::v1::TurnClass_ARRAYSIZE> classes;
  // No adapter took the last call.
  bool adapters_full = false;
  // For calls like the next one. None ready: empty.
  Room room;
  // LaneSet's; infinity and 0: not known.
  double calls_per_second = 0;
  // A mean; zero: none has ended.
  absl::Duration call_time;
};

// The turns in line are runnable, quota-blocked, or not prepared yet.
struct LoadSignal {
  struct Class {
    int64_t runnable = 0;
    int64_t quota_blocked = 0;
  };
  std::array<Class, chat::v1::TurnClass_ARRAYSIZE> classes;
  int64_t queued = 0;
  // More adapters could start them now: the limits let them go, but no adapter takes their calls.
  int64_t runnable = 0;
  // They are ready, and the limits hold them back: more adapters would not help.
  int64_t quota_blocked = 0;
  // By what; HOLD_UNSPECIFIED: none is.
  v1::Hold held_by = v1::HOLD_UNSPECIFIED;
  int64_t running = 0;
  // running + runnable, of the latter no more than
  //
  //   calls_per_second * call_time - running                  (Little's law)
  //
  // which is all that the rate limits feed in the long run. 0 only when nothing runs and nothing is
  // runnable.
  int64_t required_concurrency = 0;
};

// Room goes to the highest class first.
LoadSignal SignalOf(const PoolState& state);

}  // namespace penstock::dispatcher
