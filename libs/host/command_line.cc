#include "libs/host/command_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::host {

absl::StatusOr<CommandLine> ParseCommandLine(int count, const char* const* arguments) {
  CommandLine line;
  for (int i = 1; i < count; ++i) {
    absl::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      line.action = CommandLine::Action::kHelp;
      return line;
    }
    if (argument == "--version") {
      line.action = CommandLine::Action::kVersion;
      return line;
    }
    if (absl::ConsumePrefix(&argument, "--config=")) {
      line.config_file = std::string(argument);
    } else if (argument == "--config" && i + 1 < count) {
      line.config_file = arguments[++i];
    } else if (argument != "--config") {
      return absl::InvalidArgumentError(absl::StrCat("unknown argument \"", argument, "\""));
    }
  }
  if (line.config_file.empty()) return absl::InvalidArgumentError("--config FILE is required");
  return line;
}

std::string HelpText(absl::string_view program) {
  return absl::StrCat("usage: ", program, R"( --config FILE

  --config FILE   the configuration, YAML; deploy/config/SETTINGS.md lists every setting
  --version       prints the version
  --help          prints this

Prints one line of JSON on standard output when it is ready, and logs to standard error. SIGTERM or
SIGINT stops it after running turns are done (drain.timeout); a second one stops it at once.
)");
}

std::string VersionText(absl::string_view program) {
  return absl::StrCat(program, " ", PENSTOCK_VERSION, "\n");
}

}  // namespace penstock::host
