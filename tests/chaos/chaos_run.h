// One run: five processes under load, killed step by step, and what was seen of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/chaos/killer.h"
#include "tests/chaos/load.h"
#include "tests/harness/history.h"
#include "tests/harness/mesh_config.h"
#include "tests/harness/verdict.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::chaos {

struct RunOptions {
  std::vector<Step> steps;
  // Beside those of every run.
  harness::Settings settings = {};
  KillerOptions killer = {};
  LoadOptions load = {};
  // The load goes on for so long when there are no steps.
  absl::Duration lasts = absl::ZeroDuration();
  // From then on every turn of the run must have ended.
  absl::Duration quiet_within = absl::Seconds(60);
  // When true the logs are printed and the folder of the run is kept.
  bool (*failed)() = nullptr;
};

struct RunSeen {
  harness::History history;
  harness::Report report;
  int sessions = 0;
  // From the last kill until every caller knew the ends of its turns.
  absl::Duration quiet;
  std::map<std::string, int> failpoints_fired;
  std::vector<absl::Duration> restarts;
  // What went wrong with calls, with kills, with processes, with reading at the end.
  std::vector<absl::Status> failures;
};

// An error when the processes did not start.
absl::StatusOr<RunSeen> RunChaos(RunOptions options);

}  // namespace penstock::chaos
