#include "services/session_state/past_turn.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libs/tokens/raw_tokens.h"
#include "penstock/session/v1/session_state.pb.h"
#include "services/session_state/session_records.h"

namespace penstock::session_state {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using chat::v1::Turn;

using Parts = google::protobuf::RepeatedPtrField<Part>;

// Every provider's models can read it.
bool IsPlain(const Part& part) {
  return part.has_text() || part.has_image() || part.has_refusal() || part.has_tool_call() ||
         part.has_tool_result();
}

bool IsShown(const Part& part) {
  return IsPlain(part) || part.has_opaque() || part.reasoning().has_state();
}

// The parts that a model may see.
void CopyShown(const Parts& from, Message& to) {
  for (const Part& part : from) {
    if (IsShown(part)) *to.add_parts() = part;
  }
}

bool HasAnswer(const Turn& turn) {
  for (const Message& message : turn.output()) {
    for (const Part& part : message.parts()) {
      if (IsPlain(part)) return true;
    }
  }
  return false;
}

bool Answers(const Message& results, const std::string& call_id) {
  return std::any_of(results.parts().begin(), results.parts().end(), [&](const Part& part) {
    return part.tool_result().tool_call_id() == call_id;
  });
}

// Every call has its result in the message behind it.
bool CallsAreAnswered(const Turn& turn) {
  for (int i = 0; i < turn.output_size(); ++i) {
    for (const Part& part : turn.output(i).parts()) {
      if (!part.has_tool_call()) continue;
      const bool last = i + 1 == turn.output_size();
      if (last || !Answers(turn.output(i + 1), part.tool_call().id())) return false;
    }
  }
  return true;
}

bool IsOfHistory(const Turn& turn) {
  return IsTerminal(turn.state()) && !turn.output_partial() && HasAnswer(turn) &&
         CallsAreAnswered(turn);
}

// The messages of the answer, those of one speaker in a row as one.
void AddAnswer(const Turn& turn, session::v1::Context& context) {
  for (const Message& message : turn.output()) {
    Message shown;
    shown.set_role(message.role() == chat::v1::TOOL ? chat::v1::TOOL : chat::v1::ASSISTANT);
    CopyShown(message.parts(), shown);
    if (shown.parts().empty()) continue;
    Message& last = *context.mutable_history()->rbegin();
    if (last.role() == shown.role()) {
      last.mutable_parts()->MergeFrom(shown.parts());
    } else {
      *context.add_history() = std::move(shown);
    }
  }
}

std::string MessagesOf(const Turn& turn) {
  session::v1::Context context;
  Message& said = *context.add_history();
  said.set_role(chat::v1::USER);
  CopyShown(turn.input(), said);
  AddAnswer(turn, context);
  return context.SerializeAsString();
}

}  // namespace

PastTurn MakePastTurn(const Turn& turn, absl::string_view turn16) {
  PastTurn past{.sequence = turn.sequence()};
  std::copy_n(turn16.begin(), past.turn16.size(), past.turn16.begin());
  if (!IsOfHistory(turn)) return past;
  past.tokens = RawTokens(turn.input());
  for (const Message& message : turn.output()) past.tokens += RawTokens(message.parts());
  past.messages = MessagesOf(turn);
  return past;
}

}  // namespace penstock::session_state
