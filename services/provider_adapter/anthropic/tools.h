// The tools that a request of Anthropic Messages offers.
#pragma once

#include <string>

#include "penstock/provider/v1/provider_adapter.pb.h"

namespace penstock::provider_adapter {

// `tool_choice` always stands behind `tools`. CheckTools has passed.
struct ToolsJson {
  // The elements of `tools`, without brackets and empty where there are none, so that the last one
  // can be marked for the prompt cache in front of its closing brace.
  std::string tools;
  // The value of `tool_choice`; empty: not sent.
  std::string choice;
};

// A conversation that holds calls must offer tools: where the request has none, those that were
// called are declared, and none may be called.
ToolsJson ToolsOf(const provider::v1::GenerateRequest& request);

}  // namespace penstock::provider_adapter
