// The part of a session's history that a model is to know: pure, fed newest turn first.
#pragma once

#include <cstdint>
#include <vector>

#include <google/protobuf/arena.h>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/session/v1/session_state.pb.h"

namespace penstock::session_state {

// Estimated tokens of a message: UTF-8 bytes of its text / 4 × 1.2, rounded up. Reasoning counts
// nothing: it is never sent back to a provider.
int64_t EstimatedTokens(const google::protobuf::RepeatedPtrField<chat::v1::Part>& parts);

// Not thread-safe.
class ContextWindow {
 public:
  ContextWindow(int64_t max_tokens, int32_t max_turns);

  // Where the next older turn may be parsed: lives as long as the window, and costs fewer
  // allocations than a turn of one's own.
  chat::v1::Turn& NewTurn();

  // Takes the next older turn, which must live as long as the window; passes over one that has not
  // SUCCEEDED or has no answer to show. False when it does not fit: then the window is closed and
  // truncated, and no older turn is wanted.
  bool Add(const chat::v1::Turn& turn);

  // Says that there are older turns that nobody looked at.
  void Truncate() { truncated_ = true; }

  // Oldest first: what the user said, what the assistant answered.
  session::v1::Context Context() const;

 private:
  google::protobuf::Arena arena_;
  int64_t tokens_left_;
  int32_t turns_left_;
  bool truncated_ = false;
  // Newest first.
  std::vector<const chat::v1::Turn*> turns_;
};

}  // namespace penstock::session_state
