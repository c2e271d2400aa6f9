#include "services/session_state/context_window.h"

#include <utility>

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

// Moves the parts that a model may see.
void MoveShown(Parts& from, Message& to) {
  for (Part& part : from) {
    if (IsShown(part)) *to.add_parts() = std::move(part);
  }
}

bool HasAnswer(const Turn& turn) {
  for (const Message& message : turn.output()) {
    for (const Part& part : message.parts()) {
      if (IsShown(part)) return true;
    }
  }
  return false;
}

}  // namespace

int64_t EstimatedTokens(const Parts& parts) {
  size_t bytes = 0;
  for (const Part& part : parts) bytes += TextBytes(part);
  return (static_cast<int64_t>(bytes) * 3 + 9) / 10;
}

bool ContextWindow::Add(Turn turn) {
  if (turn.state() != Turn::SUCCEEDED || !HasAnswer(turn)) return true;
  int64_t tokens = EstimatedTokens(turn.input());
  for (const Message& message : turn.output()) tokens += EstimatedTokens(message.parts());
  if (turns_left_ <= 0 || tokens > tokens_left_) {
    truncated_ = true;
    return false;
  }
  --turns_left_;
  tokens_left_ -= tokens;
  turns_.push_back(std::move(turn));
  return true;
}

session::v1::Context ContextWindow::Take() {
  session::v1::Context context;
  context.set_truncated(truncated_);
  while (!turns_.empty()) {
    Turn turn = std::move(turns_.back());
    turns_.pop_back();
    Message& said = *context.add_history();
    said.set_role(chat::v1::USER);
    MoveShown(*turn.mutable_input(), said);
    Message& answered = *context.add_history();
    answered.set_role(chat::v1::ASSISTANT);
    for (Message& message : *turn.mutable_output()) {
      MoveShown(*message.mutable_parts(), answered);
    }
  }
  return context;
}

}  // namespace penstock::session_state
