// The known name that somebody probably meant.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::host {

// "; did you mean x?" when a name is near enough, else "; known are a, b, c", or "" when there are
// none.
std::string DidYouMean(absl::string_view found, const std::vector<std::string>& known);

}  // namespace penstock::host
