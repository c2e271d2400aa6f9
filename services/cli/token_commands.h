// `penstock token mint|grant-key|keygen`: what an operator needs before there is a gateway.
#pragma once

#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

std::vector<Command> TokenCommands();

}  // namespace penstock::cli
