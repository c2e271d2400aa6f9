// The whole command, from its arguments to its exit code.
#pragma once

#include <string>
#include <vector>

#include "services/cli/command_line.h"

namespace penstock::cli {

const std::vector<Command>& AllCommands();
const std::vector<Flag>& GlobalFlags();

// `given`: what stands after the program's name. Prints answers and errors.
int RunProgram(const std::vector<std::string>& given);

}  // namespace penstock::cli
