// Tools in the body of POST /v1/chat/completions, checked as OpenAI checks them.
#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "tests/providersim/api_error.h"
#include "tests/providersim/prompt.h"

namespace penstock::providersim::openai {

// Reads `tools`, `tool_choice` and `parallel_tool_calls`.
Refused ReadTools(const boost::json::object& body, OfferedTools& out);

// Reads `tool_calls` and `tool_call_id` of one message.
Refused ReadMessageTools(const boost::json::object& message, size_t index, PromptMessage& out);

// Every call has its result right after its message, and every result its call.
Refused CheckToolHistory(const std::vector<PromptMessage>& messages);

}  // namespace penstock::providersim::openai
