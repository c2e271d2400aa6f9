#include "tests/harness/verdict.h"

#include <algorithm>
#include <map>

#include "tests/harness/stages.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::harness {
namespace {

std::string StagesOf(const std::string& turn, const std::vector<KillSeen>& kills) {
  std::vector<std::string> stages;
  for (size_t i = 0; i < kills.size(); ++i) {
    const auto stage = kills[i].stages.find(turn);
    if (stage == kills[i].stages.end()) continue;
    stages.push_back(
        absl::StrCat("kill ", i + 1, " (", kills[i].process, "): ", NameOf(stage->second)));
  }
  return stages.empty() ? "" : absl::StrCat(" [", absl::StrJoin(stages, ", "), "]");
}

std::string Summary(const KillSeen& kill) {
  std::map<Stage, int> stages;
  for (const auto& [turn, stage] : kill.stages) ++stages[stage];
  const auto format = [](std::string* out, const std::pair<const Stage, int>& stage) {
    absl::StrAppend(out, stage.second, " ", NameOf(stage.first));
  };
  const std::string where = kill.failpoint.empty() ? "" : absl::StrCat(" at ", kill.failpoint);
  return absl::StrCat(kill.process, where, ", ", kill.stages.size(),
                      " in flight: ", absl::StrJoin(stages, ", ", format));
}

}  // namespace

bool IsTerminal(TurnState state) {
  return state >= chat::v1::Turn::SUCCEEDED && state <= chat::v1::Turn::EXPIRED;
}

absl::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kLost:
      return "LOST";
    case Verdict::kDoubled:
      return "DOUBLED";
    case Verdict::kReordered:
      return "REORDERED";
    case Verdict::kCrossed:
      return "CROSSED";
    case Verdict::kSpliced:
      return "SPLICED";
    case Verdict::kUnresolved:
      return "UNRESOLVED";
    case Verdict::kPhantom:
      return "PHANTOM";
  }
  return "";
}

int Report::Count(Verdict verdict) const {
  return static_cast<int>(std::count_if(offences.begin(), offences.end(), [&](const Offence& one) {
    return one.verdict == verdict;
  }));
}

std::string Report::ToString() const {
  std::string text =
      absl::StrCat(counts.intents, " turns wanted, ", counts.acknowledged, " acknowledged, ",
                   counts.ended, " ended; ", counts.broken_calls,
                   " submissions broke and were repeated; ", counts.provider_calls,
                   " provider calls, ", counts.repeated_provider_calls, " of them repeated (",
                   counts.after_lost_stream, " after a lost stream, ", counts.after_lost_answer,
                   " after an answer that a crash lost, of these ", counts.read_after_kill,
                   " where the first was read after the kill, ", counts.unexplained_calls,
                   " unexplained); ", counts.restarted_watches, " watchers saw a restart\n");
  for (const Verdict verdict : kAllVerdicts) {
    absl::StrAppend(&text, NameOf(verdict), " ", Count(verdict), "  ");
  }
  text += "\n";
  for (const Offence& offence : offences) {
    absl::StrAppend(&text, NameOf(offence.verdict), " ", offence.subject, ": ", offence.why,
                    StagesOf(offence.subject, kills), "\n");
  }
  for (const std::string& call : unexplained) {
    absl::StrAppend(&text, "unexplained: ", call, StagesOf(call.substr(0, call.find(' ')), kills),
                    "\n");
  }
  for (size_t i = 0; i < kills.size(); ++i) {
    absl::StrAppend(&text, "kill ", i + 1, ": ", Summary(kills[i]), "\n");
  }
  return text;
}

}  // namespace penstock::harness
