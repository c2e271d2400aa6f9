// What later turns of a session get to know of one of its turns. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/strings/string_view.h"

namespace penstock::session_state {

// A turn is history when it SUCCEEDED, and also when it was cancelled, failed or expired after
// whole steps (output_partial is false): the model then knows what it did, and the calls that were
// open have results that say why they came to nothing. Each tool call in it is followed by its
// result; a turn of which that is not true is none. Neither is one whose answer holds nothing that
// a model of every provider can read: no text, no refusal and no call.
//
// Images are in it as they were sent, and, in their places, what a provider wants back of its
// answers (Opaque, Reasoning with a state). Other reasoning is left out.
struct PastTurn {
  using Id16 = std::array<char, 16>;

  int64_t sequence = 0;
  Id16 turn16 = {};
  // RawTokens of all parts (libs/tokens).
  int64_t tokens = 0;
  // What the user said, then the messages of the answer, as entries of Context.history on the wire.
  // Empty: the turn is no history, or has no answer to show.
  std::string messages = {};

  // Memory it takes.
  size_t bytes() const { return sizeof(PastTurn) + messages.capacity(); }
  // Rises from the newest turn to the oldest, as the keys of turns do.
  std::pair<int64_t, Id16> position() const { return {-sequence, turn16}; }
};

// `turn16` is Hash16 of its id.
PastTurn MakePastTurn(const chat::v1::Turn& turn, absl::string_view turn16);

}  // namespace penstock::session_state
