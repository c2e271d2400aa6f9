#include "libs/host/process.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include <sys/resource.h>

#include "libs/base/log.h"
#include "libs/base/status_macros.h"
#include "libs/host/command_line.h"
#include "libs/host/config_loader.h"
#include "libs/host/config_reload.h"
#include "libs/host/process_signals.h"
#include "libs/host/runtime.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

// Shells give 1024, for programs that use select(2); none of ours does.
void RaiseDescriptorLimit(const config::v1::Config& config) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto connections = static_cast<rlim_t>(config.server().max_connections());
  if (limit.rlim_max > connections) return;
  Log(Severity::kWarning,
      "fewer descriptors than server.max_connections: connections are refused before that many; "
      "raise the limit (ulimit -Hn, LimitNOFILE=)",
      {{"descriptors", absl::StrCat(limit.rlim_max)},
       {"max_connections", absl::StrCat(connections)}});
}

// A file that is not right changes nothing. Answers what is in force from now on.
config::v1::Config Reload(const std::string& file, const config::v1::Config& before,
                          Runtime& runtime) {
  const auto after = LoadConfig(file);
  if (!after.ok()) {
    Log(Severity::kError, "the configuration is not reloaded; what was in force stays",
        {{"status", after.status().message()}});
    return before;
  }
  const ChangedSections changed = Compare(before, *after);
  config::v1::Config in_force = Reloaded(before, *after);
  runtime.Reload(in_force);
  Log(Severity::kInfo, "configuration reloaded",
      {{"changed", absl::StrJoin(changed.now, " ")},
       {"at_next_start", absl::StrJoin(changed.at_next_start, " ")}});
  return in_force;
}

int RunConfigured(absl::string_view name, const std::string& file, const config::v1::Config& config,
                  ServiceFactory make) {
  StopSearchForLockCycles();
  ConfigureLog(name, SeverityOf(config));
  RaiseDescriptorLimit(config);
  ProcessSignals signals;
  Runtime runtime(name, config);
  if (const absl::Status started = runtime.Start(make); !started.ok()) {
    return Fail(name, absl::StrCat("cannot start: ", started.message()), kStartFailed);
  }
  Print(stdout, absl::StrCat(runtime.ReadyLine(), "\n"));
  config::v1::Config in_force = config;
  int signal = signals.Next();
  for (; signal == SIGHUP; signal = signals.Next()) in_force = Reload(file, in_force, runtime);
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
  return RunConfigured(name, command->config_file, *config, make);
}

}  // namespace penstock::host
