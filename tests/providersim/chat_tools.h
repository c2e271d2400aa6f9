// Tools in the body of POST /v1/chat/completions, checked as OpenAI checks them.
#pragma once

#include <optional>
#include <vector>

#include <boost/json/object.hpp>

#include "tests/providersim/api_error.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

struct ChatMessage;
struct ChatRequest;

// A call in an assistant's message. Views into the document.
struct CalledTool {
  absl::string_view id;
  absl::string_view name;
  absl::string_view arguments;
};

// What is offered, and which of it must be called. Views into the document.
struct OfferedTools {
  std::vector<absl::string_view> names;
  // auto, none or required; with `tool`, that one must be called.
  absl::string_view choice = "auto";
  absl::string_view tool;
  bool parallel = true;
  // Of names, descriptions and schemas, about.
  size_t bytes = 0;
};

// Reads `tools`, `tool_choice` and `parallel_tool_calls`.
std::optional<ApiError> ReadTools(const boost::json::object& body, OfferedTools& out);

// Reads `tool_calls` and `tool_call_id` of one message.
std::optional<ApiError> ReadMessageTools(const boost::json::object& message, size_t index,
                                         ChatMessage& out);

// Every call has its result right after its message, and every result its call.
std::optional<ApiError> CheckToolHistory(const std::vector<ChatMessage>& messages);

}  // namespace penstock::providersim
