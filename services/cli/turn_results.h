// `penstock turn results`: answers what a turn waits for, by hand.
#pragma once

#include "services/cli/command_line.h"

namespace penstock::cli {

Command TurnResultsCommand();

}  // namespace penstock::cli
