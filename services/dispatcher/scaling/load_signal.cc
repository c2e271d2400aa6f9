#include "services/dispatcher/scaling/load_signal.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::dispatcher {
namespace {

// Calls under way at a time that the rate limits feed.
int64_t Fed(const PoolState& state) {
  const double fed = state.calls_per_second * absl::ToDoubleSeconds(state.call_time);
  constexpr auto kUnbounded = std::numeric_limits<int64_t>::max();
  if (!(fed > 0) || fed >= static_cast<double>(kUnbounded)) return kUnbounded;
  return static_cast<int64_t>(std::ceil(fed));
}

}  // namespace

LoadSignal SignalOf(const PoolState& state) {
  LoadSignal signal;
  int64_t room = state.adapters_full ? state.room.calls : 0;
  for (size_t c = 0; c < state.classes.size(); ++c) {
    const PoolState::Class& load = state.classes[c];
    LoadSignal::Class& its = signal.classes[c];
    its.runnable = std::min(load.waiting, room);
    its.quota_blocked = std::max<int64_t>(0, load.ready - its.runnable);
    room -= its.runnable;
    signal.queued += load.waiting;
    signal.running += load.running;
    signal.runnable += its.runnable;
    signal.quota_blocked += its.quota_blocked;
  }
  if (signal.quota_blocked > 0) signal.held_by = state.room.held_by;
  const int64_t fed = std::max<int64_t>(Fed(state) - signal.running, 0);
  // Some part of what is runnable always counts: without any adapter nothing would ever run.
  const int64_t least = signal.running == 0 ? 1 : 0;
  signal.required_concurrency = signal.running + std::min(signal.runnable, std::max(fed, least));
  return signal;
}

}  // namespace penstock::dispatcher
