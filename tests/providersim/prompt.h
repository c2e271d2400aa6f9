// What the model is given, whichever format it was asked in.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/providersim/prompt_cache.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// A call in an assistant's message.
struct CalledTool {
  absl::string_view id;
  absl::string_view name;
  absl::string_view arguments;
};

// What is offered, and which of it must be called.
struct OfferedTools {
  std::vector<absl::string_view> names;
  // auto, none or required; with `tool`, that one must be called.
  absl::string_view choice = "auto";
  absl::string_view tool;
  bool parallel = true;
  // Of names, descriptions and schemas, about.
  size_t bytes = 0;
};

// Views into the document it was read from, or into Prompt::owned.
struct PromptMessage {
  // 3 + ceil(bytes of texts and calls / 4) + other tokens.
  int64_t Tokens() const;

  // system, developer, user, assistant or tool: one of each result.
  absl::string_view role;
  // The text of the content, one element a text part.
  std::vector<absl::string_view> parts = {};
  // Of an assistant.
  std::vector<CalledTool> calls = {};
  // Of a tool's result.
  absl::string_view tool_call_id = {};
  // Beside those of texts and calls: images, and what was thought.
  int64_t other_tokens = 0;
};

// The newest user message, taken apart.
struct NewestMessage {
  // A block <notes>...</notes> that it begins with: what Penstock remembers. Else empty.
  absl::string_view notes;
  // All the rest: what the user says.
  std::string said;
};

// Whether the model thinks aloud.
enum class Thinking { kWhenDirected, kAlways, kNever };

// An image of any size; OpenAI's low detail apart.
inline constexpr int64_t kImageTokens = 1600;
inline constexpr int64_t kLowDetailImageTokens = 85;

struct Prompt {
  absl::string_view model;
  std::vector<PromptMessage> messages;
  bool stream = false;
  // OpenAI's; obfuscation is on unless the request switches it off, as there.
  bool include_usage = false;
  bool include_obfuscation = true;
  std::optional<int64_t> max_tokens;
  std::vector<absl::string_view> stop;
  OfferedTools tools;
  Thinking thinking = Thinking::kWhenDirected;
  // False: thoughts go out as a signature without their text.
  bool shows_thoughts = true;
  // Empty: nothing is marked for the cache.
  std::vector<CachePrefix> prefixes;
  // Texts that stand nowhere in the document; their addresses stay.
  std::deque<std::string> owned;

  // The newest message of role user; null when there is none.
  const PromptMessage* NewestUserMessage() const;
  NewestMessage Newest() const;
  // Of all messages; and ceil(bytes / 4) of the tools.
  int64_t Tokens() const;
  int64_t ToolTokens() const { return static_cast<int64_t>((tools.bytes + 3) / 4); }
};

}  // namespace penstock::providersim
