// One process of Penstock: from the command line to the exit code.
//
//   int main(int argc, char** argv) {
//     return host::RunProcess("gateway", argc, argv, [](const host::Environment& environment) {
//       std::vector<std::unique_ptr<host::Service>> services;
//       services.push_back(std::make_unique<gateway::GatewayProcess>(environment));
//       return services;
//     });
//   }
//
// Its life: flags, configuration, logs, signals, threads, admin port, Start of each service in the
// order given, the ready line on standard output, a wait for SIGTERM or SIGINT, health to "not
// ready", `drain.delay`, Drain and Stop of each service in reverse order, join.
#pragma once

#include <memory>
#include <vector>

#include "libs/host/environment.h"
#include "libs/host/service.h"

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

// Makes the services of a process, in the order in which they are started: the one that is called
// before the one that calls it. Their constructors do no I/O; Start does. The environment outlives
// the services.
using ServiceFactory =
    absl::FunctionRef<absl::StatusOr<std::vector<std::unique_ptr<Service>>>(const Environment&)>;

// Runs a process to its end and returns its exit code: 0 stopped by a signal after draining, 1 a
// configuration or start that failed (one line on standard error says why), 2 a wrong command line.
// A second signal, at any time, ends the process at once with 130.
//
// Flags: --config FILE, --help, --version. `name` is the program's name in logs and in the ready
// line, one JSON object that is printed when everything listens:
//   {"ready":"gateway","listening":["127.0.0.1:7420"],"admin":"127.0.0.1:41234"}
//
// Blocks SIGTERM and SIGINT in this thread and all it starts, and ignores SIGPIPE. Call it once,
// from main.
int RunProcess(absl::string_view name, int argc, const char* const* argv, ServiceFactory make);

}  // namespace penstock::host
