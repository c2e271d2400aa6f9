// What limits look like to a client: headers and errors, worded as Anthropic does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/providersim/api_error.h"
#include "tests/providersim/limit_state.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::providersim::anthropic {

// anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}: three
// lines, each with its end, for every state. A reset is a moment in RFC 3339, in UTC, rounded up to
// a second.
std::string LimitHeaders(const std::vector<LimitState>& states, absl::Time now);

// Those of an account that is never limited, and whose only request this is.
std::string IdleLimitHeaders(int64_t prompt_tokens, absl::Time now);

// 429 rate_limit_error; the message names the dimension.
ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model);

}  // namespace penstock::providersim::anthropic
