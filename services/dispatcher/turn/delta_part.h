// Parts of merged deltas, for readers that have seen some of their text.
#pragma once

#include <cstddef>
#include <cstdint>

#include "penstock/chat/v1/turn.pb.h"

namespace penstock::dispatcher {

// What a reader at `cursor` has missed of `event`, a Delta whose index is that of its last byte:
// whole characters, at most `limit` bytes; without text if nothing does.
chat::v1::TurnEvent MissedPart(const chat::v1::TurnEvent& event, int64_t cursor, size_t limit);

}  // namespace penstock::dispatcher
