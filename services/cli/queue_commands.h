// `penstock queue top`.
#pragma once

#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

std::vector<Command> QueueCommands();

}  // namespace penstock::cli
