// The content of one message: a string, or parts.
#pragma once

#include <boost/json/object.hpp>

#include "tests/providersim/api_error.h"
#include "tests/providersim/prompt.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::openai {

// Reads `content` of a message whose role, calls and ids stand in `out` already. `param` names the
// message. Images: only in a user's message, by an http(s) URL or as data: URL of png, jpeg, gif or
// webp in base64.
Refused ReadContent(const boost::json::object& message, absl::string_view param,
                    PromptMessage& out);

}  // namespace penstock::providersim::openai
