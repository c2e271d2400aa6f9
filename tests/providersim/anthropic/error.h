// An error as Anthropic answers it: {"type":"error","error":{"type","message"},"request_id"}.
#pragma once

#include <string>

#include "tests/providersim/api_error.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

// 400: "PATH: WHAT"; without a path WHAT alone.
ApiError Invalid(absl::string_view path, absl::string_view what);

// "rate_limit_error", "overloaded_error" ... of a status.
absl::string_view TypeOf(int status);

// One line, as a body and as an event have it. A code stands in details.error_code.
std::string RenderError(const ApiError& error, absl::string_view request_id);

// What an answer of `status` says when a directive asks for it. "context_length_exceeded" is worded
// as Anthropic words it; other codes stand beside the usual message.
ApiError ErrorOfStatus(int status, absl::string_view code);

}  // namespace penstock::providersim::anthropic
