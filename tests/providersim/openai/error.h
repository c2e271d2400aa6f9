// An error as OpenAI answers it: {"error":{"message","type","param","code"}}.
#pragma once

#include <string>

#include "tests/providersim/api_error.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::openai {

// 400, as of a request that is not as it should be.
ApiError Refuse(absl::string_view message, absl::string_view param, absl::string_view code);
ApiError WrongType(absl::string_view param, absl::string_view expected);

// The body, with a newline at its end as OpenAI has it.
std::string RenderError(const ApiError& error);

// The same as an event of a stream has it: one line.
std::string RenderErrorLine(const ApiError& error);

// What an answer of `status` says when a directive asks for it. `code` replaces the usual one;
// "insufficient_quota" is also the type then, as OpenAI has it.
ApiError ErrorOfStatus(int status, absl::string_view code);

}  // namespace penstock::providersim::openai
