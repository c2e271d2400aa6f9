// Step 7 of a turn's life: session-state decides how it ended.
#pragma once

#include "libs/async/awaitable.h"
#include "services/dispatcher/turn/ending.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

// Commits until session-state has answered; while the outcome is unknown the turn is neither failed
// nor run again. A finished generation whose commit takes longer than turn.commit_patience is
// journaled. Answers the turn as stored, which may be another ending than this one.
// FAILED_PRECONDITION (FENCED) when a newer owner exists; CANCELLED when the dispatcher stops.
Awaitable<absl::StatusOr<chat::v1::Turn>> CommitTurn(const TurnServices& services, TurnOwner& owner,
                                                     LiveTurn& turn, session::v1::Fence fence,
                                                     Ending ending, std::stop_token shutdown);

}  // namespace penstock::dispatcher
