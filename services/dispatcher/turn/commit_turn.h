// Steps 6 and 7 of a turn's life, as far as session-state keeps them: a step whose tools are about
// to be called is durable, and how the turn ended is decided there.
#pragma once

#include <optional>

#include "libs/async/awaitable.h"
#include "services/dispatcher/turn/ending.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

struct Committed {
  // As stored.
  chat::v1::Turn turn;
  // False: another run had ended it, with other words.
  bool ours = true;
};

// Commits until session-state has answered; while the outcome is unknown the turn is neither failed
// nor run again. A finished generation whose commit takes longer than turn.commit_patience is
// journaled. FAILED_PRECONDITION (FENCED) when a newer owner exists; CANCELLED when the dispatcher
// stops.
Awaitable<absl::StatusOr<Committed>> CommitTurn(const TurnServices& services, TurnOwner& owner,
                                                LiveTurn& turn, session::v1::Fence fence,
                                                Ending ending, std::stop_token shutdown);

// Appends a step until session-state has answered, as CommitTurn does. Answers the stored outcome
// of a turn that had ended already, else nothing. Errors as CommitTurn.
Awaitable<absl::StatusOr<std::optional<chat::v1::Turn>>> KeepStep(const TurnServices& services,
                                                                  TurnOwner& owner, LiveTurn& turn,
                                                                  session::v1::Fence fence,
                                                                  chat::v1::Step step,
                                                                  std::stop_token shutdown);

}  // namespace penstock::dispatcher
