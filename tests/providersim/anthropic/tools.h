// Tools in the body of POST /v1/messages, checked as Anthropic checks them.
#pragma once

#include "tests/providersim/anthropic/cache_marks.h"
#include "tests/providersim/anthropic/fields.h"
#include "tests/providersim/prompt.h"

namespace penstock::providersim::anthropic {

// Reads `tools` and `tool_choice`. Tools of the client only: those that the provider runs itself
// are not simulated.
Refused ReadTools(const Fields& request, Prompt& prompt, CacheMarks& marks);

}  // namespace penstock::providersim::anthropic
