// What running a turn needs, and to whom it reports.
#pragma once

#include <memory>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "penstock/config/v1/config.pb.h"
#include "penstock/session/v1/session_state.pb.h"
#include "services/dispatcher/admission/agent_catalog.h"
#include "services/dispatcher/admission/policy.h"
#include "services/dispatcher/admission/turn_forecast.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/turn/live_turn.h"
#include "services/dispatcher/turn/output_bounds.h"
#include "services/dispatcher/turn/peers.h"
#include "services/dispatcher/turn/token_estimator.h"
#include "services/dispatcher/turn/turn_metrics.h"

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace penstock::dispatcher {

// The arbiters, by the name of the pool: one pool a model.
using Pools = absl::flat_hash_map<std::string, std::unique_ptr<Arbiter>>;

// References that outlive every turn.
struct TurnServices {
  const config::v1::Config& config;
  const AgentCatalog& agents;
  Pools& pools;
  Peers peers;
  TokenEstimator& tokens;
  OutputBounds& outputs;
  TurnMetrics& metrics;
  Clock& clock;
  Timers& timers;
  Executor executor;
  Random& random;
  TurnForecast& forecast;
  const Snapshot<Policy>& policy;
};

// The shard that owns a turn, as its runner sees it.
class TurnOwner {
 public:
  virtual ~TurnOwner() = default;

  virtual int64_t epoch() const = 0;

  // A fence for a run of a turn, above every one given before in this epoch.
  virtual session::v1::Fence NextFence() = 0;
  // Journals that the turn starts this step, the `step_starts`-th time.
  virtual void RecordStart(LiveTurn& turn, session::v1::Fence fence, int32_t step,
                           int32_t step_starts) = 0;

  // The highest class that waits in the turn's session, its own included.
  virtual chat::v1::TurnClass ClassOf(const LiveTurn& turn) const = 0;

  // The generation is finished but session-state is late: on disk when it answers OK.
  virtual Awaitable<absl::Status> KeepGenerated(LiveTurn& turn, v1::Generated generated) = 0;

  // The turn has ended in session-state as `stored`: settles it, lets the next one of its session
  // start, tells the watchers.
  virtual void Settle(std::shared_ptr<LiveTurn> turn, chat::v1::Turn stored) = 0;

  // A commit was refused because a newer owner exists: gives the shard up.
  virtual void GiveUp(const absl::Status& fenced) = 0;
};

}  // namespace penstock::dispatcher
