#include "tests/providersim/prompt.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim {

const PromptMessage* Prompt::NewestUserMessage() const {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (message->role == "user") return &*message;
  }
  return nullptr;
}

NewestMessage Prompt::Newest() const {
  NewestMessage newest;
  const PromptMessage* message = NewestUserMessage();
  if (message == nullptr) return newest;
  for (const absl::string_view& whole : message->parts) {
    absl::string_view part = whole;
    constexpr absl::string_view kEnd = "</notes>";
    const size_t end = part.find(kEnd);
    if (&whole == message->parts.data() && absl::StartsWith(part, "<notes>") &&
        end != absl::string_view::npos) {
      newest.notes = part.substr(0, end);
      part.remove_prefix(end + kEnd.size());
    }
    absl::StrAppend(&newest.said, newest.said.empty() ? "" : "\n", part);
  }
  return newest;
}

int64_t PromptMessage::Tokens() const {
  size_t bytes = 0;
  for (absl::string_view part : parts) bytes += part.size();
  for (const CalledTool& call : calls) bytes += call.name.size() + call.arguments.size();
  return 3 + static_cast<int64_t>((bytes + 3) / 4) + other_tokens;
}

int64_t Prompt::Tokens() const {
  int64_t tokens = ToolTokens();
  for (const PromptMessage& message : messages) tokens += message.Tokens();
  return tokens;
}

}  // namespace penstock::providersim
