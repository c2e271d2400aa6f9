// The newest turns of one session, without a gap, as far as they are known. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "services/session_state/context_window.h"
#include "services/session_state/past_turn.h"

namespace penstock::session_state {

// Not thread-safe.
class RecentTurns {
 public:
  // Knows nothing.
  RecentTurns() = default;
  // `newest_first` begins with the newest turn of the session; `all`: no older one exists.
  RecentTurns(std::deque<PastTurn> newest_first, bool all)
      : turns_(std::move(newest_first)), all_(all) {}

  // A turn was begun or has ended.
  void Note(PastTurn turn);

  // What a model is to know of the turns below a sequence; nullopt when that takes older turns than
  // are known. Forgets those that are older than it took.
  std::optional<session::v1::Context> ContextBefore(int64_t sequence, ContextBounds bounds);

  // Memory they take.
  size_t bytes() const;

 private:
  std::deque<PastTurn> turns_;
  bool all_ = false;
};

}  // namespace penstock::session_state
