#include "services/session_state/past_turn.h"

#include <algorithm>

#include "penstock/session/v1/session_state.pb.h"

namespace penstock::session_state {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using chat::v1::Turn;

using Parts = google::protobuf::RepeatedPtrField<Part>;

size_t TextBytes(const Part& part) {
  switch (part.kind_case()) {
    case Part::kText:
      return part.text().text().size();
    case Part::kRefusal:
      return part.refusal().text().size();
    case Part::kReasoning:
    case Part::KIND_NOT_SET:
      return 0;
  }
  return 0;
}

bool IsShown(const Part& part) { return part.has_text() || part.has_refusal(); }

// The parts that a model may see.
void CopyShown(const Parts& from, Message& to) {
  for (const Part& part : from) {
    if (IsShown(part)) *to.add_parts() = part;
  }
}

bool HasAnswer(const Turn& turn) {
  for (const Message& message : turn.output()) {
    if (std::any_of(message.parts().begin(), message.parts().end(), IsShown)) return true;
  }
  return false;
}

std::string MessagesOf(const Turn& turn) {
  session::v1::Context context;
  Message& said = *context.add_history();
  said.set_role(chat::v1::USER);
  CopyShown(turn.input(), said);
  Message& answered = *context.add_history();
  answered.set_role(chat::v1::ASSISTANT);
  for (const Message& message : turn.output()) CopyShown(message.parts(), answered);
  return context.SerializeAsString();
}

}  // namespace

int64_t EstimatedTokens(const Parts& parts) {
  size_t bytes = 0;
  for (const Part& part : parts) bytes += TextBytes(part);
  return (static_cast<int64_t>(bytes) * 3 + 9) / 10;
}

PastTurn MakePastTurn(const Turn& turn, absl::string_view turn16) {
  PastTurn past{.sequence = turn.sequence()};
  std::copy_n(turn16.begin(), past.turn16.size(), past.turn16.begin());
  if (turn.state() != Turn::SUCCEEDED || !HasAnswer(turn)) return past;
  past.tokens = EstimatedTokens(turn.input());
  for (const Message& message : turn.output()) past.tokens += EstimatedTokens(message.parts());
  past.messages = MessagesOf(turn);
  return past;
}

}  // namespace penstock::session_state
