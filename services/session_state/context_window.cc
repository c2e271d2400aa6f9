#include "services/session_state/context_window.h"

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

google::protobuf::ArenaOptions FewBlocks() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 16 << 10;
  options.max_block_size = 64 << 10;
  return options;
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

ContextWindow::ContextWindow(int64_t max_tokens, int32_t max_turns)
    : arena_(FewBlocks()), tokens_left_(max_tokens), turns_left_(max_turns) {}

Turn& ContextWindow::NewTurn() { return *google::protobuf::Arena::CreateMessage<Turn>(&arena_); }

bool ContextWindow::Add(const Turn& turn) {
  if (turn.state() != Turn::SUCCEEDED || !HasAnswer(turn)) return true;
  int64_t tokens = EstimatedTokens(turn.input());
  for (const Message& message : turn.output()) tokens += EstimatedTokens(message.parts());
  if (turns_left_ <= 0 || tokens > tokens_left_) {
    truncated_ = true;
    return false;
  }
  --turns_left_;
  tokens_left_ -= tokens;
  turns_.push_back(&turn);
  return true;
}

session::v1::Context ContextWindow::Context() const {
  session::v1::Context context;
  context.set_truncated(truncated_);
  context.mutable_history()->Reserve(static_cast<int>(2 * turns_.size()));
  for (auto turn = turns_.rbegin(); turn != turns_.rend(); ++turn) {
    Message& said = *context.add_history();
    said.set_role(chat::v1::USER);
    CopyShown((*turn)->input(), said);
    Message& answered = *context.add_history();
    answered.set_role(chat::v1::ASSISTANT);
    for (const Message& message : (*turn)->output()) CopyShown(message.parts(), answered);
  }
  return context;
}

}  // namespace penstock::session_state
