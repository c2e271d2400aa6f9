// `penstock health`: whether a gateway takes calls.
#pragma once

#include "services/cli/command_line.h"

namespace penstock::cli {

Command HealthCommand();

}  // namespace penstock::cli
