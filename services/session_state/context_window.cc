#include "services/session_state/context_window.h"

namespace penstock::session_state {

ContextWindow::ContextWindow(ContextBounds bounds)
    : tokens_left_(bounds.max_tokens),
      turns_left_(bounds.max_turns),
      bytes_left_(bounds.max_bytes),
      looks_left_(int64_t{4} * bounds.max_turns + 64) {}

bool ContextWindow::Add(const PastTurn& turn) {
  if (looks_left_-- == 0) {
    truncated_ = true;
    return false;
  }
  if (turn.messages.empty()) return true;
  const auto bytes = static_cast<int64_t>(turn.messages.size());
  if (turns_left_ <= 0 || turn.tokens > tokens_left_ || bytes > bytes_left_) {
    truncated_ = true;
    return false;
  }
  --turns_left_;
  tokens_left_ -= turn.tokens;
  bytes_left_ -= bytes;
  turns_.push_back(&turn);
  return true;
}

session::v1::Context ContextWindow::Context() const {
  size_t bytes = 0;
  for (const PastTurn* turn : turns_) bytes += turn->messages.size();
  std::string history;
  history.reserve(bytes);
  for (auto turn = turns_.rbegin(); turn != turns_.rend(); ++turn) history += (*turn)->messages;
  session::v1::Context context;
  context.ParseFromString(history);
  context.set_truncated(truncated_);
  return context;
}

}  // namespace penstock::session_state
