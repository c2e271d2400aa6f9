// The part of a session's history that a model is to know: pure, fed newest turn first.
#pragma once

#include <cstdint>
#include <vector>

#include "penstock/session/v1/session_state.pb.h"
#include "services/session_state/past_turn.h"

namespace penstock::session_state {

// An answer has to fit into a message (rpc::kMaxMessageBytes).
inline constexpr int64_t kMaxContextBytes = 3'584 << 10;

struct ContextBounds {
  int64_t max_tokens = 0;
  int32_t max_turns = 0;
  // Of the messages as they travel; images may reach it long before max_tokens.
  int64_t max_bytes = kMaxContextBytes;
};

// The history is valid for every provider: a turn is in it whole or not at all, so that each tool
// call in it is followed by its result (see PastTurn).
//
// Not thread-safe.
class ContextWindow {
 public:
  explicit ContextWindow(ContextBounds bounds);

  // Takes the next older turn, which must live as long as the window; passes over one that shows
  // nothing. False when it does not fit, or when 4 × max_turns + 64 turns were looked at, so that a
  // session full of failures costs no more than another: then the window is closed and truncated,
  // and no older turn is wanted.
  bool Add(const PastTurn& turn);

  // Oldest first: what the user said, then the messages of the answer.
  session::v1::Context Context() const;

 private:
  int64_t tokens_left_;
  int32_t turns_left_;
  int64_t bytes_left_;
  int64_t looks_left_;
  bool truncated_ = false;
  // Newest first.
  std::vector<const PastTurn*> turns_;
};

}  // namespace penstock::session_state
