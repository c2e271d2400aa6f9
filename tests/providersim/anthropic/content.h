// The content of one message: a string, or blocks.
#pragma once

#include "tests/providersim/anthropic/cache_marks.h"
#include "tests/providersim/anthropic/fields.h"
#include "tests/providersim/anthropic/message_shape.h"
#include "tests/providersim/prompt.h"

namespace penstock::providersim::anthropic {

// Appends what `message` says to `prompt`: each tool_result as a message of role tool, the rest as
// one of the role that stands in `shape`, of which the rest is filled.
Refused ReadContent(const Fields& message, Prompt& prompt, CacheMarks& marks, MessageShape& shape);

// The same of `system`: a string or text blocks.
Refused ReadSystem(const Fields& request, Prompt& prompt, CacheMarks& marks);

}  // namespace penstock::providersim::anthropic
