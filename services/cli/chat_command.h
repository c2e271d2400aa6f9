// `penstock chat`: a conversation.
#pragma once

#include "services/cli/command_line.h"

namespace penstock::cli {

Command ChatCommand();

}  // namespace penstock::cli
