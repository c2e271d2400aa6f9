// The body of POST /v1/chat/completions, checked as OpenAI checks it.
//
// Source of names, ranges and messages: OpenAI's OpenAPI description and error bodies as seen by
// its SDKs; this file shares nothing with Penstock's own encoder.
#pragma once

#include <boost/json/value.hpp>

#include "tests/providersim/api_error.h"
#include "tests/providersim/prompt.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::openai {

// Fills `document` and `prompt`, which points into it.
Refused ReadRequest(absl::string_view body, boost::json::value& document, Prompt& prompt);

}  // namespace penstock::providersim::openai
