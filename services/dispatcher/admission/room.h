// Whether a turn would find room, before its session is asked for: what makes a refusal cheap.
#pragma once

#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/admission/depth.h"
#include "services/dispatcher/queue/turn_in_line.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/status.h"

namespace penstock::dispatcher {

// RESOURCE_EXHAUSTED (QUEUE_FULL) when the turn would be refused however small it is: by the pool
// of the agent that it names, or, when it names none and its session decides, by every pool. Of
// several the one with the shortest wait is told and counts it, as `times` refusals. OK promises
// nothing: Depth::Join decides.
absl::Status CheckRoom(const TurnServices& services, const Depths& depths,
                       const chat::v1::TurnSpec& spec, const TurnInLine& turn, int64_t times);

}  // namespace penstock::dispatcher
