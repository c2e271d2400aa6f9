#include "services/cli/program.h"

#include <cstdlib>

#include "libs/host/command_line.h"
#include "services/cli/chat_command.h"
#include "services/cli/connection.h"
#include "services/cli/console.h"
#include "services/cli/exit_code.h"
#include "services/cli/health_command.h"
#include "services/cli/help_text.h"
#include "services/cli/memory_commands.h"
#include "services/cli/queue_commands.h"
#include "services/cli/refusal_text.h"
#include "services/cli/session_commands.h"
#include "services/cli/token_commands.h"
#include "services/cli/turn_commands.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::cli {
namespace {

absl::StatusOr<int> Version(const Arguments&, Console& console) {
  console.Out(host::VersionText("penstock"));
  return kExitOk;
}

// Of one command, of a group ("turn"), or of all.
absl::StatusOr<int> Help(const Arguments& arguments, Console& console) {
  const std::string name = absl::StrJoin(arguments.words, " ");
  std::vector<Command> group;
  for (const Command& command : AllCommands()) {
    if (command.name == name) {
      console.Out(HelpOf(command, GlobalFlags()));
      return kExitOk;
    }
    if (name.empty() || absl::StartsWith(command.name, name + " ")) group.push_back(command);
  }
  if (group.empty()) return UsageError(absl::StrCat("unknown command ", name));
  console.Out(Overview(group, GlobalFlags()));
  return kExitOk;
}

std::vector<Command> MakeCommands() {
  std::vector<Command> commands = {ChatCommand()};
  for (const auto& group :
       {TurnCommands(), SessionCommands(), MemoryCommands(), QueueCommands(), TokenCommands()}) {
    commands.insert(commands.end(), group.begin(), group.end());
  }
  commands.push_back(HealthCommand());
  commands.push_back({"version", {}, "print the version", {}, {}, Version});
  commands.push_back({"help",
                      {"[COMMAND...]"},
                      "print this, or more about one command",
                      {},
                      {"penstock help token mint"},
                      Help});
  return commands;
}

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

int Report(const absl::Status& status, const Arguments& arguments, Console& console) {
  if (!IsUsageError(status)) {
    console.Error(RefusalText(status, AddressOf(arguments)));
    return kExitFailed;
  }
  console.Error(absl::StrCat("penstock: ", status.message(), "\n"));
  return kExitUsage;
}

}  // namespace

const std::vector<Command>& AllCommands() {
  static const auto* commands = new std::vector<Command>(MakeCommands());
  return *commands;
}

const std::vector<Flag>& GlobalFlags() {
  static const auto* flags = new std::vector<Flag>{
      {"--address", "A", "of the gateway: host:port or unix:path; default: 127.0.0.1:7420", false,
       "PENSTOCK_ADDRESS"},
      {"--token", "T", "the user's token", false, "PENSTOCK_TOKEN"},
      {"--tls-ca", "FILE", "mutual TLS: who may vouch for the gateway, PEM", false,
       "PENSTOCK_TLS_CA"},
      {"--tls-cert", "FILE", "mutual TLS: the own certificate, PEM", false, "PENSTOCK_TLS_CERT"},
      {"--tls-key", "FILE", "mutual TLS: its key, PEM", false, "PENSTOCK_TLS_KEY"},
      {"--tls-name", "NAME",
       "mutual TLS: DNS name or URI in the gateway's certificate; default: gateway", false,
       "PENSTOCK_TLS_NAME"},
      {"--on-behalf-of", "USER", "the user, for a service's token with scope act_as"},
      {"--timeout", "D", "how long a call may take, such as 30s; default: 10s, turns without end"},
      {"--output", "FORMAT", "text (default), or json: one object a line"}};
  return *flags;
}

int RunProgram(const std::vector<std::string>& given) {
  Console console;
  const auto line = ParseCommandLine(given, AllCommands(), GlobalFlags(), Variable);
  if (!line.ok()) {
    const int exit_code = Report(line.status(), {}, console);
    console.Error("`penstock help` lists commands and flags\n");
    return exit_code;
  }
  if (line->help) {
    console.Out(line->command == nullptr ? Overview(AllCommands(), GlobalFlags())
                                         : HelpOf(*line->command, GlobalFlags()));
    return given.empty() ? kExitUsage : kExitOk;
  }
  const auto exit_code = line->command->run(line->arguments, console);
  return exit_code.ok() ? *exit_code : Report(exit_code.status(), line->arguments, console);
}

}  // namespace penstock::cli
