// Refusals that hold for a moment, told again without asking the dispatcher.
//
// Ten times more than a pool can take costs ten times the refusals of it. Each that goes to the
// dispatcher is a call between processes, which what was taken has to do without.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "penstock/chat/v1/turn.pb.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::gateway {

// Turns that the dispatcher refuses alike while a pool is full.
struct AlikeTurns {
  std::string tenant;
  std::string tier;
  chat::v1::Urgency urgency;
  // As the caller names it; empty: that of its session.
  std::string agent;
  // Of its overrides; empty: the agent's.
  std::string model;

  bool operator==(const AlikeTurns&) const = default;

  template <class Hash>
  friend Hash AbslHashValue(Hash hash, const AlikeTurns& turns) {
    return Hash::combine(std::move(hash), turns.tenant, turns.tier, turns.urgency, turns.agent,
                         turns.model);
  }
};

// Only for turns that the dispatcher cannot know yet, so without a request_id of the caller's: one
// that repeats what was accepted is answered with that. Thread-safe. Metric:
// penstock_gateway_refusals_repeated_total.
class StandingRefusals {
 public:
  StandingRefusals(const Clock& clock, obs::Metrics& metrics);

  // The refusal that holds for such turns, if one does.
  std::optional<absl::Status> Repeat(const AlikeTurns& turns);

  // What the dispatcher answered to such a turn. It holds if it says for how long (`holds_ms`).
  void Note(const AlikeTurns& turns, const absl::Status& answer);

  // How many were refused here since this was last asked.
  int64_t TakeCount(const AlikeTurns& turns);

 private:
  struct Standing {
    absl::Status refusal;
    // Monotonic.
    absl::Duration until;
    int64_t repeated = 0;
  };

  void DropOld(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  prometheus::Counter& repeated_;
  Mutex mutex_;
  absl::flat_hash_map<AlikeTurns, Standing> standing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::gateway
