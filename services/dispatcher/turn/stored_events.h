// What WatchTurn tells of a turn whose events are no longer in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"

namespace penstock::dispatcher {

// StepFinished of every whole answer of the assistant, from this step on; without index and time.
std::vector<chat::v1::TurnEvent> StepEvents(const chat::v1::Turn& turn, int32_t from_step);

// Accepted when `after_index` is 0, else Restarted (the reader may have seen deltas); then
// StepEvents, and Finished. Indices rise from
// after_index. `turn` is terminal.
std::vector<chat::v1::TurnEvent> StoredEvents(const chat::v1::Turn& turn, int64_t after_index,
                                              bool outcome_only);

}  // namespace penstock::dispatcher
