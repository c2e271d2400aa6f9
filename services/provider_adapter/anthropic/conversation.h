// Tools, instructions and messages in a request of Anthropic Messages.
#pragma once

#include <string>

#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/status/status.h"

namespace penstock::provider_adapter {

// Appends `,"tools":…,"tool_choice":…,"system":…,"messages":[…]`, what is empty left out; the
// provider's cache reads them in this order. With `prompt_cache` the last block of tools and
// instructions is marked, and those that WireBlocksOf names: 3 of the 4 marks there may be.
// CheckMessages and CheckTools have passed. INVALID_ARGUMENT, with the field, when it cannot be
// said.
absl::Status AppendConversation(std::string& json, const provider::v1::GenerateRequest& request,
                                bool prompt_cache);

}  // namespace penstock::provider_adapter
