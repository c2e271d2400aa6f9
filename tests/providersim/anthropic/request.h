// The body of POST /v1/messages, checked as Anthropic checks it.
//
// Source of names, ranges and messages: the types of Anthropic's SDKs and error bodies as their
// users report them; this file shares nothing with Penstock's own encoder.
#pragma once

#include <boost/json/value.hpp>

#include "tests/providersim/api_error.h"
#include "tests/providersim/prompt.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

struct Rules {
  // Of the newest models: sampling parameters and a prefilled answer are refused.
  bool newest = false;
  // The body of count_tokens: neither max_tokens nor stream nor sampling.
  bool counts_only = false;
};

// Fills `document` and `prompt`, which points into it. 413 above 32 MiB.
Refused ReadRequest(absl::string_view body, const Rules& rules, boost::json::value& document,
                    Prompt& prompt);

}  // namespace penstock::providersim::anthropic
