// Steps 3 to 5 of a turn's life: context, permit, and a model's answer. A turn goes through them
// once for each Generate.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "libs/async/awaitable.h"
#include "services/dispatcher/turn/ending.h"
#include "services/dispatcher/turn/run_turn.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

// One run and what its steps share.
struct Run {
  const TurnServices& services;
  TurnOwner& owner;
  const std::shared_ptr<LiveTurn> turn;
  const std::optional<Remains> remains;
  const std::stop_token shutdown;
  // Epoch 0 until the run has begun.
  session::v1::Fence fence;
  // session-state has the input.
  bool begun = false;

  absl::Time now() const { return services.clock.Now(); }
};

// How a turn went on: to its end, or to a step that asks for tools.
struct Progress {
  std::optional<Ending> ending;
  // Not durable yet.
  std::optional<chat::v1::Step> asks;
};

// Holds a place in the pool's line from its start to its end, the original one of the turn, and
// nothing of the pool afterwards. FAILED_PRECONDITION (FENCED) when a newer owner exists.
Awaitable<absl::StatusOr<Progress>> GenerateStep(Run& run);

// The pool that would take a turn of this model now: its own, or, while that is left alone, that of
// the fallback that takes over.
Arbiter& PoolNow(const TurnServices& services, const config::v1::Model& model);

}  // namespace penstock::dispatcher
