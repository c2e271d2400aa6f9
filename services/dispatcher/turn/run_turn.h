// One run of a turn, from the head of its session to its end: steps 3 to 8 of a turn's life.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "libs/async/awaitable.h"
#include "services/dispatcher/turn/turn_services.h"

namespace penstock::dispatcher {

// What an earlier life of the dispatcher left of a turn.
struct Remains {
  // Starts without an end.
  int32_t starts = 0;
  // A finished generation that was journaled because its commit was late.
  std::optional<v1::Generated> generated;
  // Its caller was cut off: it is not run before somebody watches it again.
  bool wait_for_watcher = false;
};

// Runs to the end, whoever watches. The turn is stopped through LiveTurn::Stop. When `shutdown`
// stops, or the turn was stopped because its owner moved, it ends nowhere: the journal has it.
Awaitable<void> RunTurn(const TurnServices& services, TurnOwner& owner,
                        std::shared_ptr<LiveTurn> turn, Remains remains, std::stop_token shutdown);

}  // namespace penstock::dispatcher
