// What of a turn its caller may see. Pure.
//
// Between Penstock and a provider there is more than a caller may read, or could use: parts of a
// protocol that Penstock does not know (Opaque), and what comes back with a thought, a signature or
// the thought itself, encrypted (Reasoning.state). Both are taken out of every public answer.
//
// Delta.part counts all parts of a message. So a part that was Opaque stays, as one without a kind,
// and those behind it keep their numbers; a message of nothing else stays, too, for StepFinished
// and Turn.output count steps by messages.
#pragma once

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/gateway/v1/turns.pb.h"

namespace penstock::gateway {

void MakePublic(chat::v1::Turn& turn);
void MakePublic(chat::v1::TurnEvent& event);
void MakePublic(v1::ListTurnsResponse& page);

// Answers that have no room for a part. That these are all of them is what
// gateway_private_parts_test and tests/mesh/descriptor_test are for.
template <class Answer>
void MakePublic(Answer&) {}

}  // namespace penstock::gateway
