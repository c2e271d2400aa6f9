// Step 3 of a turn's life: its session's context and its user's memories, both at once. Once for
// each Generate: a turn that waits for tools keeps neither.
#pragma once

#include <optional>

#include "libs/async/awaitable.h"
#include "services/dispatcher/turn/prompt.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

struct Prepared {
  // The turn had ended already: settle this, call no provider.
  std::optional<chat::v1::Turn> ended;
  // INVALID_ARGUMENT (CONTEXT_WINDOW) when the turn cannot fit.
  absl::StatusOr<Prompt> prompt = absl::UnknownError("not prepared");
  // Memories were wanted, but recall failed or took too long.
  bool recall_degraded = false;
  // turn.max_tool_calls have been asked for: the next answer is the last.
  bool at_tool_limit = false;
  // Agent.auto_max_tokens, for an answer that BoundedAnswer may continue.
  bool auto_bound = false;
};

// For a call of this model: BeginTurn beside Recall. BeginTurn is repeated while session-state
// cannot be reached. FAILED_PRECONDITION (FENCED) when a newer owner exists; CANCELLED when the
// turn was stopped first.
Awaitable<absl::StatusOr<Prepared>> PrepareTurn(const TurnServices& services, LiveTurn& turn,
                                                const config::v1::Model& model,
                                                session::v1::Fence fence);

// BeginTurn of a turn that was taken up again, for its steps alone, without its history. It is
// repeated, also when the turn is stopped, until `shutdown`.
Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginForSteps(
    const TurnServices& services, LiveTurn& turn, session::v1::Fence fence,
    std::stop_token shutdown);

// A call to a peer on behalf of the turn, stopped with it.
PeerCall CallFor(const LiveTurn& turn, absl::Time deadline);

// The peer may answer next time: UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED.
bool IsTransient(const absl::Status& status);

}  // namespace penstock::dispatcher
