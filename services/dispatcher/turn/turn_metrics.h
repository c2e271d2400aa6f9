// What the dispatcher counts about turns.
#pragma once

#include <array>
#include <optional>

#include "libs/obs/metrics.h"
#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/queue/eta_model.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Thread-safe.
class TurnMetrics {
 public:
  explicit TurnMetrics(obs::Metrics& metrics);

  void CountEnd(chat::v1::Turn::State state, absl::Duration life);
  // `told`: the first estimate of the wait that the caller was given, if one was.
  void ObserveWait(chat::v1::TurnClass turn_class, absl::Duration wait, std::optional<Eta> told);

  prometheus::Gauge& live;
  // See HeldBytes.
  prometheus::Gauge& held_bytes;
  // To gateways.
  prometheus::Gauge& open_streams;
  prometheus::Counter& accepted;
  // Turns of urgency ACTION that wait in the class of their tier.
  prometheus::Counter& actions_demoted;
  // First turns of their sessions that do.
  prometheus::Counter& firsts_demoted;
  // Turns that were not called for, because the answer would have come after their deadline.
  prometheus::Counter& doomed;
  prometheus::Counter& attempts;
  prometheus::Counter& repeated_attempts;
  prometheus::Counter& not_taken;
  // Answers "too many requests": no attempts, the turns went back into line.
  prometheus::Counter& rate_limited;
  prometheus::Counter& fallbacks;
  // Answers cut by a bound of ours: no attempts, but paid.
  prometheus::Counter& continued;
  // A turn that was begun before and is run again: its first generation may be paid twice.
  prometheus::Counter& reruns;
  // Turns given up after turn.max_starts starts without an end.
  prometheus::Counter& dead_letters;
  // The adapter's stream broke after the call was sent.
  prometheus::Counter& lost_streams;
  prometheus::Counter& recall_degraded;
  // Turns whose caller's tools have not answered, what they asked for, and how many gave up.
  prometheus::Gauge& awaiting_tools;
  prometheus::Counter& tool_calls;
  prometheus::Counter& tool_timeouts;
  prometheus::Counter& tool_limits;
  prometheus::Counter& late_commits;
  prometheus::Counter& fenced;

 private:
  std::array<prometheus::Counter*, chat::v1::Turn::State_ARRAYSIZE> ended_{};
  std::array<prometheus::Histogram*, chat::v1::TurnClass_ARRAYSIZE> waits_{};
  prometheus::Histogram& life_;
  prometheus::Histogram& eta_error_;
  prometheus::Counter& within_p50_;
  prometheus::Counter& within_p90_;
  prometheus::Counter& beyond_p90_;
};

// One stream of a turn's events, while it is open.
class OpenStream {
 public:
  explicit OpenStream(prometheus::Gauge& streams) : streams_(streams) { streams_.Increment(); }
  ~OpenStream() { streams_.Decrement(); }
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

 private:
  prometheus::Gauge& streams_;
};

}  // namespace penstock::dispatcher
