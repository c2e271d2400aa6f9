// `penstock memory create|get|list|search|delete`.
#pragma once

#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

std::vector<Command> MemoryCommands();

}  // namespace penstock::cli
