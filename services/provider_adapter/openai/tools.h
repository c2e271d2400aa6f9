// The tools that a request of OpenAI Chat Completions offers.
#pragma once

#include <string>

#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/provider_adapter/quirks.h"

namespace penstock::provider_adapter {

// Appends `,"tools":...`, `,"tool_choice":...` and `,"parallel_tool_calls":...`; nothing when no
// tool is offered, for a choice among none is refused by providers. CheckTools has passed.
void AppendTools(std::string& json, const Quirks& quirks,
                 const provider::v1::GenerateRequest& request);

}  // namespace penstock::provider_adapter
