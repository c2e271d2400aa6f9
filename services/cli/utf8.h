// Whether bytes are text.
#pragma once

#include "absl/strings/string_view.h"

namespace penstock::cli {

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. Fields of
// type string hold nothing else.
bool IsUtf8(absl::string_view text);

}  // namespace penstock::cli
