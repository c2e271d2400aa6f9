// Marks that say whose a text is: whoever else is shown one has seen too much.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::harness {

// "canary" and 16 hex digits of a hash of `owner`: one word, the same in every run.
std::string CanaryOf(absl::string_view owner);

// All canaries in any bytes, also JSON or a serialized message; each once, in order of appearance.
std::vector<std::string> CanariesIn(absl::string_view bytes);

}  // namespace penstock::harness
