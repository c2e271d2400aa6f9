// The flags that every service has.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

struct CommandLine {
  enum class Action { kRun, kHelp, kVersion };
  Action action = Action::kRun;
  std::string config_file;
};

// INVALID_ARGUMENT saying what is wrong. `arguments` as given to main, the program first.
absl::StatusOr<CommandLine> ParseCommandLine(int count, const char* const* arguments);

std::string HelpText(absl::string_view program);

// "gateway 0.1.0".
std::string VersionText(absl::string_view program);

}  // namespace penstock::host
