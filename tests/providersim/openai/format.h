// OpenAI Chat Completions.
#pragma once

#include "tests/providersim/wire_format.h"

namespace penstock::providersim::openai {

// The one there is; never destroyed.
const WireFormat& Format();

}  // namespace penstock::providersim::openai
