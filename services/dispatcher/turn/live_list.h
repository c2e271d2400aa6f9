// A list of live turns that fits into a message, whatever was said in them. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"

namespace penstock::dispatcher {

// Bytes of turns that are listed whole.
inline constexpr size_t kMaxListBytes = 2 << 20;

// Takes input and output out of the turn with which the list passes kMaxListBytes, and of all
// behind it: sixteen turns with an image each would be more than a message may be. Every turn has
// an input, so who finds none knows that GetTurn has it.
void FitIntoMessage(std::vector<chat::v1::Turn>& turns);

}  // namespace penstock::dispatcher
