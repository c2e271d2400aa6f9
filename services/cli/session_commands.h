// `penstock session create|get|list|update|delete`.
#pragma once

#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

std::vector<Command> SessionCommands();

}  // namespace penstock::cli
