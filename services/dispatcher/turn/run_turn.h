// One run of a turn, from the head of its session to its end: steps 3 to 8 of a turn's life.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "libs/async/awaitable.h"
#include "services/dispatcher/turn/turn_services.h"

namespace penstock::dispatcher {

// What an earlier life of the dispatcher left of a turn in the journal.
struct Remains {
  // The latest start.
  std::optional<v1::Started> started;
  // A finished generation that was journaled because session-state was late.
  std::optional<v1::Generated> generated;
  std::vector<v1::ToolResults> tool_results;
  // Its caller was cut off: it is not run before somebody watches it again.
  bool wait_for_watcher = false;

  // How often this step was started without coming to an end.
  int32_t StartsAt(int32_t step) const;
};

// Runs to the end, whoever watches; `remains` when the turn was taken up again. The turn is stopped
// through LiveTurn::Stop. When `shutdown` stops, or the turn was stopped because its owner moved,
// it ends nowhere: the journal has it.
Awaitable<void> RunTurn(const TurnServices& services, TurnOwner& owner,
                        std::shared_ptr<LiveTurn> turn, std::optional<Remains> remains,
                        std::stop_token shutdown);

}  // namespace penstock::dispatcher
