// What limits look like to a client: headers and errors, worded as OpenAI does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/providersim/api_error.h"
#include "tests/providersim/limit_state.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::openai {

// Rounded up to a millisecond, as Go writes durations: "0s", "120ms", "1.5s", "6m0s", "1h0m0s".
std::string GoDuration(Micros duration);

// x-ratelimit-{limit,remaining,reset}-{requests,tokens,input-tokens,output-tokens}: three lines,
// each with its end, for every state.
std::string LimitHeaders(const std::vector<LimitState>& states);

// Those of an account that is never limited, and whose only request this is.
std::string IdleLimitHeaders(int64_t prompt_tokens);

// 429 rate_limit_exceeded; the message names the dimension.
ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model);

}  // namespace penstock::providersim::openai
