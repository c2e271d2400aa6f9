#include "tests/simulation/oracle.h"

#include <algorithm>
#include <map>
#include <string>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "tests/harness/judge.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

using chat::v1::Turn;

// From the deadline, or the end of the last trouble, to the end of a turn.
constexpr absl::Duration kEndsWithin = absl::Seconds(30);

std::string TextOf(const google::protobuf::RepeatedPtrField<chat::v1::Part>& parts) {
  std::string text;
  for (const auto& part : parts) text += part.text().text();
  return text;
}

harness::StoredTurn StoredOf(const std::string& user, const Turn& turn) {
  harness::StoredTurn stored{.user = user,
                             .name = turn.name(),
                             .sequence = turn.sequence(),
                             .state = turn.state(),
                             .request_id = turn.request_id(),
                             .input = TextOf(turn.input()),
                             .output = WordsOf(turn)};
  for (const auto& message : turn.output()) {
    for (const auto& part : message.parts()) {
      if (part.has_tool_result()) stored.tool_results.push_back(part.tool_result().content());
    }
  }
  return stored;
}

class Inquiry {
 public:
  explicit Inquiry(const Evidence& evidence) : evidence_(evidence), witness_(evidence.witness) {}

  void Judge() {
    if (witness_.remembers()) {
      for (auto& [user, turn] : evidence_.sessions.Ended()) {
        witness_.history().stored.push_back(StoredOf(user, turn));
        JudgeTurn(turn);
      }
      for (const auto& offence : harness::Judge(witness_.history()).offences) {
        witness_.Accuse(harness::NameOf(offence.verdict), offence.subject, offence.why);
      }
      JudgeJournal();
    }
    JudgeLeftovers();
    // Where its minutes begin a provider tells only with an answer.
    const bool known = evidence_.plan.provider.renewal != "FIXED" || evidence_.plan.crashes == 0;
    if (known && evidence_.replaced == 0 && evidence_.provider.refused() > 0) {
      witness_.Accuse("LIMIT", "provider",
                      absl::StrCat(evidence_.provider.refused(), " calls were above its limits"));
    }
  }

 private:
  void JudgeTurn(const Turn& turn) {
    const auto found = witness_.turns().find(turn.name());
    // A turn that nobody knows of is the matter of the other judge.
    if (found == witness_.turns().end() || found->second.request_id.empty()) return;
    const TurnSeen& seen = found->second;
    const std::string state = Turn::State_Name(turn.state());
    const std::string reason =
        turn.has_error() ? ReasonOf(FromRpcStatus(turn.error())) : std::string();
    const auto blame = [&](const std::string& why) {
      witness_.Accuse("END", turn.name(), absl::StrCat(state, " ", reason, ": ", why));
    };
    const absl::Time end = FromProto(turn.end_time());
    if (end > std::max(seen.deadline, witness_.last_trouble()) + kEndsWithin) {
      blame(absl::StrCat("it ended ", absl::FormatDuration(end - seen.deadline),
                         " after its deadline"));
    }
    switch (turn.state()) {
      case Turn::SUCCEEDED:
        if (turn.output().empty() || !seen.answers.contains(WordsOf(*turn.output().rbegin()))) {
          blame("the provider gave it no such answer");
        }
        return;
      case Turn::CANCELLED:
        // Who watched a dispatcher that was replaced did not notice either.
        if (!seen.cancel_asked && !seen.was_unwatched && evidence_.replaced == 0) {
          blame("nobody wanted that");
        }
        return;
      case Turn::EXPIRED:
        if (reason == "DEADLINE" && end + evidence_.provider.longest_answer() < seen.deadline) {
          blame("there was time for an answer before its deadline");
        }
        return;
      case Turn::FAILED:
        if (!MayFail(reason)) blame("nothing has failed it");
        return;
      default:
        blame("that is no end");
    }
  }

  bool MayFail(const std::string& reason) const {
    const ProviderPlan& provider = evidence_.plan.provider;
    if (reason == "DEAD_LETTER") {
      return evidence_.plan.crashes >= evidence_.plan.config.turn().max_starts();
    }
    if (reason == "PROVIDER_RATE_LIMITED") return provider.refused > 0 || !provider.renewal.empty();
    if (reason == "STREAM_TRUNCATED") return provider.breaks > 0;
    if (reason == "PROVIDER_TIMEOUT") return provider.hangs > 0;
    return (reason == "PROVIDER_OVERLOADED" || reason == "PROVIDER_INTERNAL") &&
           provider.overloaded > 0;
  }

  // Everything was settled, once, and every request id still stands for its turn.
  void JudgeJournal() {
    for (const auto& [name, seen] : witness_.turns()) {
      if (seen.request_id.empty()) continue;
      const auto user = identity::UserKeyForTest(seen.tenant, seen.user);
      const std::string turn = TurnOfRequest(evidence_.disk, user, seen.request_id);
      if (turn != name) {
        witness_.Accuse("REQUEST_ID", name,
                        absl::StrCat(seen.request_id, " stands for \"", turn, "\""));
      }
      if (!HasUsage(evidence_.disk, user, name.substr(name.rfind('/') + 1))) {
        witness_.Accuse("LEDGER", name, "has no row");
      }
    }
    const RowCounts rows = CountRows(evidence_.disk);
    // One that was settled twice is due twice.
    if (rows.due < rows.request_ids) {
      witness_.Accuse("RECOUNT", "request ids",
                      absl::StrCat(rows.request_ids, " rows, of which ", rows.due, " will expire"));
    }
  }

  void JudgeLeftovers() {
    const RowCounts rows = CountRows(evidence_.disk);
    const auto none = [&](const std::string& what, double left) {
      if (left != 0) witness_.Accuse("LEFT", what, absl::StrCat(left, " at the end"));
    };
    none("unfinished turns", static_cast<double>(rows.unfinished_turns));
    none("jobs", static_cast<double>(rows.jobs));
    none("conversations", static_cast<double>(evidence_.callers.open()));
    none("calls of the provider", static_cast<double>(evidence_.provider.open_calls()));
    for (const char* gauge : {"live_turns", "awaiting_tools", "ingest_backlog", "pool_waiting",
                              "pool_ready", "pool_in_flight"}) {
      none(gauge, evidence_.dispatcher.Gauge(absl::StrCat("penstock_dispatcher_", gauge)));
    }
  }

  const Evidence& evidence_;
  Witness& witness_;
};

}  // namespace

void JudgeEnd(const Evidence& evidence) { Inquiry(evidence).Judge(); }

}  // namespace penstock::simulation
