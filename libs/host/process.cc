#include "libs/host/process.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "libs/base/log.h"
#include "libs/base/status_macros.h"
#include "libs/host/command_line.h"
#include "libs/host/config_loader.h"
#include "libs/host/runtime.h"
#include "libs/host/stop_signals.h"

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace penstock::host {
namespace {

constexpr int kStartFailed = 1;
constexpr int kWrongCommandLine = 2;

void Print(FILE* to, absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

int Fail(absl::string_view name, absl::string_view what, int code) {
  Print(stderr, absl::StrCat(name, ": ", what, "\n"));
  return code;
}

Severity SeverityOf(const config::v1::Config& config) {
  const std::string& name = config.process().log_severity();
  if (name == "DEBUG") return Severity::kDebug;
  if (name == "WARNING") return Severity::kWarning;
  return name == "ERROR" ? Severity::kError : Severity::kInfo;
}

// Debian builds Abseil with its search for lock cycles, which enters every lock that gRPC takes
// into one graph of the process, under one lock. Ours are searched by TSan.
void StopSearchForLockCycles() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

int RunConfigured(absl::string_view name, const config::v1::Config& config, ServiceFactory make) {
  StopSearchForLockCycles();
  ConfigureLog(name, SeverityOf(config));
  StopSignals signals;
  Runtime runtime(name, config);
  if (const absl::Status started = runtime.Start(make); !started.ok()) {
    return Fail(name, absl::StrCat("cannot start: ", started.message()), kStartFailed);
  }
  Print(stdout, absl::StrCat(runtime.ReadyLine(), "\n"));
  const int signal = signals.WaitForFirst();
  Log(Severity::kInfo, "stopping", {{"signal", absl::StrCat(signal)}});
  runtime.Stop();
  Log(Severity::kInfo, "stopped");
  return 0;
}

}  // namespace

int RunProcess(absl::string_view name, int argc, const char* const* argv, ServiceFactory make) {
  const auto command = ParseCommandLine(argc, argv);
  if (!command.ok()) {
    return Fail(name, absl::StrCat(command.status().message(), "; see --help"), kWrongCommandLine);
  }
  if (command->action == CommandLine::Action::kHelp) {
    Print(stdout, HelpText(name));
    return 0;
  }
  if (command->action == CommandLine::Action::kVersion) {
    Print(stdout, VersionText(name));
    return 0;
  }
  const auto config = LoadConfig(command->config_file);
  if (!config.ok()) return Fail(name, config.status().message(), kStartFailed);
  return RunConfigured(name, *config, make);
}

}  // namespace penstock::host
