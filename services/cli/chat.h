// A conversation on the console.
#pragma once

#include "services/cli/command_line.h"
#include "services/cli/console.h"

#include "absl/status/statusor.h"

namespace penstock::cli {

// Says what the flags of ChatCommand, a person or standard input says, turn by turn, until there is
// no more. Without a person it stops at the first turn that does not succeed.
absl::StatusOr<int> RunChat(const Arguments& arguments, Console& console);

}  // namespace penstock::cli
