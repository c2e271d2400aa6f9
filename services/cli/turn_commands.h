// `penstock turn run|submit|watch|cancel|get|list`.
#pragma once

#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

std::vector<Command> TurnCommands();

}  // namespace penstock::cli
