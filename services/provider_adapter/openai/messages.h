// The conversation in a request of OpenAI Chat Completions.
#pragma once

#include <string>

#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/provider_adapter/quirks.h"

#include "absl/status/status.h"

namespace penstock::provider_adapter {

// Appends `,"messages":[...]`. A message of calls without text has content null, and each result is
// a message; a call that has none gets one that says so. Opaque parts and reasoning are left out, a
// refusal is text: compatible servers do not know OpenAI's field for it. INVALID_ARGUMENT, with the
// field, when it cannot be said.
absl::Status AppendMessages(std::string& json, const Quirks& quirks,
                            const provider::v1::GenerateRequest& request);

}  // namespace penstock::provider_adapter
