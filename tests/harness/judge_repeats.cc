// Which provider calls were paid twice, and why.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/harness/judge.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

enum class Reason { kLostStream, kLostAnswer, kNone };

// `under_way`: how long after the end of its sender the provider may have read the first call.
Reason ReasonOf(const ProviderCall& before, const ProviderCall& again,
                const std::vector<KillSeen>& kills, absl::Duration under_way) {
  Reason reason = Reason::kNone;
  for (const KillSeen& kill : kills) {
    const absl::Time dead = std::max(kill.time, kill.dead);
    if (dead + under_way < before.start || kill.time > again.start) continue;
    const bool dispatcher = kill.process == "dispatcher";
    if (!dispatcher && kill.process != "provider_adapter") continue;
    const bool answered = before.completed && before.end < dead;
    if (!dispatcher || !answered) return Reason::kLostStream;
    reason = Reason::kLostAnswer;
  }
  return reason;
}

// "12ms after a kill of dispatcher at journal.after_epoch".
std::string SinceLastKill(absl::Time time, const std::vector<KillSeen>& kills) {
  const KillSeen* last = nullptr;
  for (const KillSeen& kill : kills) {
    if (kill.time <= time && (last == nullptr || kill.time > last->time)) last = &kill;
  }
  if (last == nullptr) return "before any kill";
  return absl::StrCat(absl::FormatDuration(time - last->time), " after a kill of ", last->process,
                      last->failpoint.empty() ? "" : " at ", last->failpoint);
}

std::string Shown(const ProviderCall& before, const ProviderCall& again,
                  const std::vector<KillSeen>& kills) {
  const std::string answered =
      before.completed
          ? absl::StrCat("answered in ", absl::FormatDuration(before.end - before.start))
          : "not answered whole";
  return absl::StrCat(before.turn, " step ", before.step, ": sent ",
                      SinceLastKill(before.start, kills), ", ", answered, ", sent again ",
                      absl::FormatDuration(again.start - before.start), " later, ",
                      SinceLastKill(again.start, kills));
}

}  // namespace

void CountRepeats(const std::vector<const ProviderCall*>& calls, const std::vector<KillSeen>& kills,
                  Report& report) {
  std::map<int, const ProviderCall*> last_of_step;
  for (const ProviderCall* call : calls) {
    const auto [last, fresh] = last_of_step.insert({call->step, call});
    if (fresh) continue;
    const ProviderCall& before = *last->second;
    last->second = call;
    ++report.counts.repeated_provider_calls;
    Reason reason = ReasonOf(before, *call, kills, absl::ZeroDuration());
    if (reason == Reason::kNone) {
      reason = ReasonOf(before, *call, kills, kUnderWay);
      report.counts.read_after_kill += reason != Reason::kNone;
    }
    switch (reason) {
      case Reason::kLostStream:
        ++report.counts.after_lost_stream;
        break;
      case Reason::kLostAnswer:
        ++report.counts.after_lost_answer;
        break;
      case Reason::kNone:
        ++report.counts.unexplained_calls;
        report.unexplained.push_back(Shown(before, *call, kills));
    }
  }
}

}  // namespace penstock::harness
