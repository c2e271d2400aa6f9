#include "services/gateway/public_turn.h"

namespace penstock::gateway {
namespace {

using Parts = google::protobuf::RepeatedPtrField<chat::v1::Part>;

void Clean(Parts& parts) {
  for (chat::v1::Part& part : parts) {
    if (part.has_opaque()) part.clear_opaque();
    if (part.has_reasoning()) part.mutable_reasoning()->clear_state();
  }
}

}  // namespace

void MakePublic(chat::v1::Turn& turn) {
  Clean(*turn.mutable_input());
  for (chat::v1::Message& message : *turn.mutable_output()) Clean(*message.mutable_parts());
}

void MakePublic(chat::v1::TurnEvent& event) {
  if (event.has_step_finished()) {
    Clean(*event.mutable_step_finished()->mutable_message()->mutable_parts());
  } else if (event.has_finished()) {
    MakePublic(*event.mutable_finished()->mutable_turn());
  }
}

void MakePublic(v1::ListTurnsResponse& page) {
  for (chat::v1::Turn& turn : *page.mutable_turns()) MakePublic(turn);
}

}  // namespace penstock::gateway
