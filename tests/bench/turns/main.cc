// Load on the public API, and on the provider alone; prints what it found as one JSON object.
// tests/bench/README.md says how it is used.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "libs/base/status_macros.h"
#include "tests/bench/turns/gateway.h"
#include "tests/bench/turns/pacing.h"
#include "tests/bench/turns/prepare.h"
#include "tests/bench/turns/provider_load.h"
#include "tests/bench/turns/turn_load.h"
#include "tests/bench/turns/workload.h"

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"

ABSL_FLAG(std::string, address, "127.0.0.1:7420", "gateway: host:port or unix:path");
ABSL_FLAG(std::string, provider, "127.0.0.1:7430", "provider simulator, with --direct");
ABSL_FLAG(std::string, tls, "", "folder of deploy/certificates: mutual TLS to the gateway");
ABSL_FLAG(std::string, algorithm, "ES256", "of the tokens: ES256, RS256, HS256");
ABSL_FLAG(std::string, private_key, "",
          "file with the key of issuer bench, kid bench: PEM; HS256: the secret's bytes");
ABSL_FLAG(int, users, 1000, "users");
ABSL_FLAG(int, sessions, 1, "sessions of each user");
ABSL_FLAG(int, history, 20, "turns of history in each session");
ABSL_FLAG(int, memories, 100, "memories of each user");
ABSL_FLAG(int, concurrency, 64, "prepare: users filled at a time");
ABSL_FLAG(int, connections, 4, "connections to the gateway");
ABSL_FLAG(bool, direct, false, "closed, open: straight to the provider, for comparison");
ABSL_FLAG(int, callers, 64, "closed: callers");
ABSL_FLAG(double, rate, 500, "open: turns per second");
ABSL_FLAG(double, seconds, 10, "closed, open: seconds measured");
ABSL_FLAG(double, warm_up, 2, "closed, open: seconds before them");
ABSL_FLAG(int, provider_delay_ms, 0, "the provider waits this long before its first token");
ABSL_FLAG(int64_t, first_number, 0, "number of the first turn: other users, other texts");
ABSL_FLAG(int, count, 1000, "streams: how many");

namespace penstock::bench {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("--private_key: no file \"", path, "\""));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::StatusOr<Workload> MakeWorkload(const std::string& mode) {
  WorkloadOptions options{.users = absl::GetFlag(FLAGS_users),
                          .sessions = absl::GetFlag(FLAGS_sessions)};
  const std::string algorithm = absl::GetFlag(FLAGS_algorithm);
  const auto known = identity::JwtAlgorithmOf(algorithm);
  if (!known) return absl::InvalidArgumentError(absl::StrCat("--algorithm: found ", algorithm));
  options.algorithm = *known;
  PENSTOCK_ASSIGN_OR_RETURN(options.private_key, ReadFile(absl::GetFlag(FLAGS_private_key)));
  if (mode == "streams") {
    options.directives = "/sim hang-after 1";
  } else if (const int delay = absl::GetFlag(FLAGS_provider_delay_ms); delay > 0) {
    options.directives = absl::StrCat("/sim delay ", delay);
  }
  return Workload::Create(std::move(options));
}

absl::StatusOr<Gateway> MeasuredGateway() {
  return Gateway::Create(absl::GetFlag(FLAGS_address), absl::GetFlag(FLAGS_tls));
}

absl::StatusOr<std::unique_ptr<Load>> MakeLoad(const Workload& workload) {
  if (absl::GetFlag(FLAGS_direct)) {
    return ProviderLoad::Create(absl::GetFlag(FLAGS_provider),
                                workload.ProviderRequest(absl::GetFlag(FLAGS_history)));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const Gateway gateway, MeasuredGateway());
  return std::make_unique<TurnLoad>(workload, gateway, absl::GetFlag(FLAGS_connections));
}

std::chrono::milliseconds Seconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

void Print(const boost::json::object& found) { std::cout << boost::json::serialize(found) << "\n"; }

// Holds the streams until its standard input ends.
absl::Status HoldStreams(Load& load) {
  const int count = absl::GetFlag(FLAGS_count);
  if (!OpenStreams(load, count, absl::GetFlag(FLAGS_concurrency))) {
    return absl::InternalError("a stream has ended instead of staying open");
  }
  Print({{"open_streams", count}});
  std::cout.flush();
  while (std::getchar() != EOF) {
  }
  return absl::OkStatus();
}

absl::Status Run(const std::string& mode) {
  PENSTOCK_ASSIGN_OR_RETURN(const Workload workload, MakeWorkload(mode));
  if (mode == "prepare") {
    PENSTOCK_ASSIGN_OR_RETURN(Gateway gateway, MeasuredGateway());
    const Preparation preparation{.gateway = std::move(gateway),
                                  .connections = absl::GetFlag(FLAGS_connections),
                                  .concurrency = absl::GetFlag(FLAGS_concurrency),
                                  .memories = absl::GetFlag(FLAGS_memories),
                                  .history = absl::GetFlag(FLAGS_history)};
    PENSTOCK_ASSIGN_OR_RETURN(const auto found, Prepare(workload, preparation));
    Print(found);
    return absl::OkStatus();
  }
  PENSTOCK_ASSIGN_OR_RETURN(const auto load, MakeLoad(workload));
  if (mode == "streams") return HoldStreams(*load);
  const Window window{.warm_up = Seconds(absl::GetFlag(FLAGS_warm_up)),
                      .measured = Seconds(absl::GetFlag(FLAGS_seconds))};
  const int64_t first = absl::GetFlag(FLAGS_first_number);
  if (mode == "closed") {
    Print(RunClosed(*load, absl::GetFlag(FLAGS_callers), first, window));
  } else {
    Print(RunOpen(*load, absl::GetFlag(FLAGS_rate), first, window));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("bench_turns prepare|closed|open|streams [FLAG...]");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  const std::string mode = words.size() == 2 ? words[1] : "";
  if (mode != "prepare" && mode != "closed" && mode != "open" && mode != "streams") {
    std::cerr << absl::ProgramUsageMessage() << "\n";
    return 2;
  }
  const absl::Status status = penstock::bench::Run(mode);
  if (status.ok()) return 0;
  std::cerr << "bench_turns " << mode << ": " << status << "\n";
  return 1;
}
