#include "services/session_state/recent_turns.h"

#include <algorithm>
#include <utility>

namespace penstock::session_state {

void RecentTurns::Note(PastTurn turn) {
  const auto place = std::find_if(turns_.begin(), turns_.end(), [&](const PastTurn& known) {
    return turn.position() <= known.position();
  });
  if (place == turns_.end()) {
    if (all_) turns_.push_back(std::move(turn));
  } else if (place->position() == turn.position()) {
    *place = std::move(turn);
  } else {
    turns_.insert(place, std::move(turn));
  }
}

std::optional<session::v1::Context> RecentTurns::ContextBefore(int64_t sequence,
                                                               ContextBounds bounds) {
  ContextWindow window(bounds);
  for (auto turn = turns_.begin(); turn != turns_.end(); ++turn) {
    if (turn->sequence >= sequence || window.Add(*turn)) continue;
    all_ = all_ && turn + 1 == turns_.end();
    auto context = window.Context();
    turns_.erase(turn + 1, turns_.end());
    return context;
  }
  if (!all_) return std::nullopt;
  return window.Context();
}

size_t RecentTurns::bytes() const {
  size_t bytes = 0;
  for (const PastTurn& turn : turns_) bytes += turn.bytes();
  return bytes;
}

}  // namespace penstock::session_state
