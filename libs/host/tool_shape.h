// What every provider takes as a tool. Pure.
#pragma once

#include "absl/strings/string_view.h"

namespace penstock::host {

// 1 to 64 of [A-Za-z0-9_-].
bool IsToolName(absl::string_view name);

// One JSON value, an object, in UTF-8, at most 32 levels deep.
bool IsJsonObject(absl::string_view text);

}  // namespace penstock::host
