// What `penstock help` prints.
#pragma once

#include <string>
#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

// All commands, a line each.
std::string Overview(const std::vector<Command>& commands, const std::vector<Flag>& global_flags);

// One command: what it takes, and examples.
std::string HelpOf(const Command& command, const std::vector<Flag>& global_flags);

}  // namespace penstock::cli
