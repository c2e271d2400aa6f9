#include "tests/chaos/chaos_run.h"

#include <thread>
#include <utility>

#include "libs/base/status_macros.h"
#include "tests/harness/judge.h"
#include "tests/harness/ledger.h"
#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::chaos {
namespace {

constexpr char kTiers[] =
    "[{name: free, turn_class: FREE, turns_per_hour: 1000000, tokens_per_day: 1000000000000}, "
    "{name: paid, turn_class: PAID, turns_per_hour: 1000000, usd_per_day: 1e6}]";

harness::MeshOptions MeshOptionsOf(const RunOptions& options) {
  harness::MeshOptions mesh = {
      .shape = harness::Shape::kFiveProcesses,
      // Our kills end starts, and every turn must end well in spite of them; a finished generation
      // is journaled soon, so that a crash finds it there; and streams wait for a killed gateway.
      // Rates, budgets and limits are counted, and far away. Two accounts share the calls, and
      // another model takes over while both fail, as they do when the adapter is killed.
      .settings = {{"turn.max_starts", "100"},
                   {"turn.commit_patience", "20ms"},
                   {"turn.disconnect_grace", "20s"},
                   {"tiers", kTiers},
                   {"tenants", "[{name: dev, tokens_per_day: 1000000000000, usd_per_day: 1e6}]"},
                   {"models.0.limits",
                    "{requests_per_minute: 1000000, tokens_per_minute: 2000000000}"},
                   {"models.0.lanes", "[{provider: sim}, {provider: sim-b, weight: 2}]"},
                   {"models.0.fallbacks", "[{model: sim/spare}]"},
                   {"models.1",
                    "{name: sim/spare, context_window_tokens: 32000, max_output_tokens: 1024,"
                    " price: {input: 0.5, output: 1.5}}"}},
      .accounts = {"sim-b"},
      .simulator_flags = {"--record-limit", "1000000"},
      .failed = options.failed};
  for (const auto& [path, value] : options.settings) mesh.settings[path] = value;
  if (!options.killer.always_armed.empty()) {
    mesh.environment = {absl::StrCat("PENSTOCK_FAILPOINTS=", options.killer.always_armed)};
  }
  return mesh;
}

}  // namespace

absl::StatusOr<RunSeen> RunChaos(RunOptions options) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto mesh, harness::Mesh::Start(MeshOptionsOf(options)));
  RunSeen seen;
  const auto note = [&seen](const absl::Status& status) {
    if (!status.ok()) seen.failures.push_back(status);
  };
  harness::Ledger ledger;
  Killer killer(*mesh, ledger, options.killer);
  Load load(*mesh, ledger, options.load);
  std::this_thread::sleep_for(absl::ToChronoMilliseconds(options.lasts));
  note(killer.Run(std::move(options.steps)));
  load.Finish();
  seen.quiet = absl::Now() - killer.last_kill();
  load.OneMoreTurnEach();
  for (const absl::Status& failure : load.failures()) note(failure);
  seen.sessions = load.sessions();
  seen.history = ledger.Take();
  note(load.Collect(absl::Now() + options.quiet_within, seen.history));
  note(WriteHistory(seen.history, mesh->folder() + "/history.jsonl"));
  note(mesh->processes().CheckRunning());
  seen.report = Judge(seen.history);
  seen.failpoints_fired = killer.fired();
  seen.restarts = killer.restarts();
  return seen;
}

}  // namespace penstock::chaos
