// An image block.
#pragma once

#include "tests/providersim/anthropic/fields.h"

namespace penstock::providersim::anthropic {

// {"type":"image","source":...}: base64 of png, jpeg, gif or webp, at most 5 MiB of base64, whose
// first bytes are not those of another of these types; or an https URL.
Refused ReadImage(const Fields& block);

}  // namespace penstock::providersim::anthropic
