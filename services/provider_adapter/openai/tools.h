// Tools in a request of OpenAI Chat Completions: what is offered, and what was called before.
#pragma once

#include <string>

#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Appends `,"tools":...` and `,"tool_choice":...`; nothing when no tool is offered, for a choice
// among none is refused by providers. INVALID_ARGUMENT, with the field, when it cannot be said.
absl::Status AppendTools(std::string& json, const provider::v1::GenerateRequest& request);

// Appends `,"tool_calls":[...]` of an assistant's message; nothing when it has none.
void AppendToolCalls(std::string& json, const chat::v1::Message& message);

// Appends a message of role `tool`, without a comma before it.
void AppendToolResult(std::string& json, const chat::v1::ToolResult& result);

}  // namespace penstock::provider_adapter
