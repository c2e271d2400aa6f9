// The body of POST /v1/chat/completions, checked as OpenAI checks it.
//
// Source of names, ranges and messages: OpenAI's OpenAPI description and error bodies as seen by
// its SDKs; this file shares nothing with Penstock's own encoder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "tests/providersim/api_error.h"
#include "tests/providersim/chat_tools.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Views into the document it was read from.
struct ChatMessage {
  absl::string_view role;
  // The text of the content, one element a text part.
  std::vector<absl::string_view> parts = {};
  // Of an assistant.
  std::vector<CalledTool> calls = {};
  // Of a tool's result.
  absl::string_view tool_call_id = {};
};

// The newest user message, taken apart.
struct NewestMessage {
  // A block <notes>...</notes> that it begins with: what Penstock remembers. Else empty.
  absl::string_view notes;
  // All the rest: what the user says.
  std::string said;
};

struct ChatRequest {
  absl::string_view model;
  std::vector<ChatMessage> messages;
  bool stream = false;
  bool include_usage = false;
  // On unless the request switches it off, as at OpenAI.
  bool include_obfuscation = true;
  std::optional<int64_t> max_tokens;
  std::vector<absl::string_view> stop;
  OfferedTools tools;

  // The newest message of role user; null when there is none.
  const ChatMessage* NewestUserMessage() const;
  NewestMessage Newest() const;
  // 3 + ceil(bytes / 4), summed over the messages; and ceil(bytes / 4) of the tools.
  int64_t PromptTokens() const;
};

// Fills `document` and `request`, which points into it. Answers the refusal, if any.
std::optional<ApiError> ReadChatRequest(absl::string_view body, boost::json::value& document,
                                        ChatRequest& request);

}  // namespace penstock::providersim
