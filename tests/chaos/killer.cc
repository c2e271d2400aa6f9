#include "tests/chaos/killer.h"

#include <csignal>
#include <thread>
#include <utility>

#include "libs/base/status_macros.h"
#include "tests/harness/eventually.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::chaos {
namespace {

using harness::KillSeen;

// So long an armed process may live.
constexpr absl::Duration kFiresWithin = absl::Seconds(10);
constexpr absl::Duration kTurnsWithin = absl::Seconds(60);
constexpr absl::Duration kStreamsWithin = absl::Seconds(60);
constexpr int64_t kStreamsAtAnOutage = 3;
constexpr int kMostHits = 3;
constexpr int kMostTries = 4;
// Reached only while session-state is away.
constexpr absl::string_view kAfterGenerated = "journal.after_generated";

bool Killed(const absl::StatusOr<harness::Ending>& ending) {
  return ending.ok() && ending->signal == SIGKILL;
}

}  // namespace

Killer::Killer(harness::Mesh& mesh, harness::Ledger& ledger, KillerOptions options)
    : mesh_(mesh), ledger_(ledger), options_(std::move(options)), random_(options_.seed) {}

absl::Status Killer::Run(std::vector<Step> steps) {
  for (int tries = 1; tries <= kMostTries && !steps.empty(); ++tries) {
    std::vector<Step> again;
    for (const Step& step : steps) {
      PENSTOCK_ASSIGN_OR_RETURN(auto unfired, Take(step, tries == 1 ? kMostHits : 1));
      // Each by itself, so that turns get on between them.
      for (FailpointRow& failpoint : unfired) {
        again.push_back({step.process, {std::move(failpoint)}});
      }
    }
    steps = std::move(again);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FailpointRow>> Killer::Take(const Step& step, int most_hits) {
  std::this_thread::sleep_for(
      std::chrono::milliseconds(std::uniform_int_distribution(0, 400)(random_)));
  PENSTOCK_RETURN_IF_ERROR(AwaitTurns());
  PENSTOCK_RETURN_IF_ERROR(KillFromOutside(step.process));
  std::vector<FailpointRow> unfired;
  for (const FailpointRow& failpoint : step.failpoints) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool fired, Fire(step.process, failpoint, most_hits));
    if (!fired) unfired.push_back(failpoint);
  }
  PENSTOCK_RETURN_IF_ERROR(StartAgain(step.process));
  return unfired;
}

absl::StatusOr<bool> Killer::Fire(const std::string& process, const FailpointRow& failpoint,
                                  int most_hits) {
  const std::string& name = failpoint.name;
  const int hit = std::uniform_int_distribution(1, most_hits)(random_);
  const bool needs_outage = name == kAfterGenerated;
  const auto ready = mesh_.processes().Restart(
      process, Armed(absl::StrCat(name, "=abort@", needs_outage ? 1 : hit)));
  if (ready.ok()) {
    restarts_.push_back(absl::Now() - last_kill_);
    if (needs_outage) {
      PENSTOCK_RETURN_IF_ERROR(AwaitStreams());
      PENSTOCK_RETURN_IF_ERROR(KillFromOutside("session_state"));
    }
  }
  const size_t in_flight = ledger_.InFlight().size();
  const auto ending = mesh_.processes().AwaitEnding(process, kFiresWithin);
  const bool fired = Killed(ending);
  if (fired) {
    Found({.process = process,
           .time = absl::Now(),
           .failpoint = name,
           .stage_of_hit = failpoint.stage});
  }
  if (needs_outage && ready.ok()) PENSTOCK_RETURN_IF_ERROR(StartAgain("session_state"));
  if (!fired && !absl::IsDeadlineExceeded(ending.status())) {
    return absl::AbortedError(
        absl::StrCat(process, " with ", name, " armed ended with ",
                     ending.ok() ? ending->ToString() : ending.status().ToString(), "; ",
                     ready.status().message()));
  }
  if (!fired) PENSTOCK_RETURN_IF_ERROR(KillFromOutside(process));
  const bool counts = fired && in_flight >= options_.turns_in_flight;
  if (counts) ++fired_[name];
  return counts;
}

absl::Status Killer::KillFromOutside(const std::string& process) {
  const absl::Time time = absl::Now();
  PENSTOCK_RETURN_IF_ERROR(mesh_.processes().Kill(process));
  Found({.process = process, .time = time, .dead = absl::Now()});
  return absl::OkStatus();
}

absl::Status Killer::StartAgain(const std::string& process) {
  PENSTOCK_RETURN_IF_ERROR(mesh_.processes().Restart(process, Armed("")).status());
  restarts_.push_back(absl::Now() - last_kill_);
  return absl::OkStatus();
}

void Killer::Found(KillSeen kill) {
  last_kill_ = kill.time;
  ledger_.AddKill(std::move(kill));
}

absl::Status Killer::AwaitTurns() const {
  if (!harness::Eventually(kTurnsWithin,
                           [&] { return ledger_.InFlight().size() >= options_.turns_in_flight; })) {
    return absl::DeadlineExceededError(absl::StrCat("not ", options_.turns_in_flight,
                                                    " turns in flight within ",
                                                    absl::FormatDuration(kTurnsWithin)));
  }
  return absl::OkStatus();
}

absl::Status Killer::AwaitStreams() const {
  if (!harness::Eventually(kStreamsWithin, [&] {
        const auto open = mesh_.simulator().OpenStreams();
        return open.ok() && *open >= kStreamsAtAnOutage;
      })) {
    return absl::DeadlineExceededError(absl::StrCat(
        "not ", kStreamsAtAnOutage, " open streams within ", absl::FormatDuration(kStreamsWithin)));
  }
  return absl::OkStatus();
}

std::vector<std::string> Killer::Armed(const std::string& failpoint) const {
  std::string armed = options_.always_armed;
  if (!failpoint.empty()) absl::StrAppend(&armed, armed.empty() ? "" : ",", failpoint);
  if (armed.empty()) return {};
  return {absl::StrCat("PENSTOCK_FAILPOINTS=", armed)};
}

}  // namespace penstock::chaos
