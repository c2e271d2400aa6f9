#include <algorithm>
#include <map>
#include <string>

#include "tests/harness/judge.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

// Results that were acknowledged stand in the turn, once, and in every later prompt of it.
class ToolCourt {
 public:
  explicit ToolCourt(const History& history) : history_(history) {
    for (const StoredTurn& turn : history.stored) stored_[turn.name] = &turn;
    for (const ProviderCall& call : history.provider_calls) {
      calls_[call.turn.substr(call.turn.rfind('/') + 1)].push_back(&call);
    }
  }

  std::vector<Offence> Judge() && {
    for (const ToolWait& wait : history_.tool_waits) {
      if (wait.answered == absl::InfiniteFuture()) continue;
      for (const std::string& result : wait.results) {
        JudgeStored(wait, result);
        JudgePrompts(wait, result);
      }
    }
    return std::move(offences_);
  }

 private:
  void JudgeStored(const ToolWait& wait, const std::string& result) {
    const auto turn = stored_.find(wait.turn);
    // A turn that is not there is the matter of its submission.
    if (turn == stored_.end()) return;
    const auto& results = turn->second->tool_results;
    const auto times = std::count(results.begin(), results.end(), result);
    if (times == 1) return;
    offences_.push_back({times == 0 ? Verdict::kLost : Verdict::kDoubled, wait.turn,
                         absl::StrCat("\"", result, "\" of step ", wait.step,
                                      " was acknowledged, and stands there ", times, " times")});
  }

  void JudgePrompts(const ToolWait& wait, const std::string& result) {
    for (const ProviderCall* call : calls_[wait.turn.substr(wait.turn.rfind('/') + 1)]) {
      if (call->step <= wait.step || absl::StrContains(call->text, result)) continue;
      offences_.push_back({Verdict::kLost, wait.turn,
                           absl::StrCat("step ", call->step, " was sent without \"", result,
                                        "\" of step ", wait.step)});
    }
  }

  const History& history_;
  std::map<std::string, const StoredTurn*> stored_;
  std::map<std::string, std::vector<const ProviderCall*>> calls_;
  std::vector<Offence> offences_;
};

}  // namespace

std::vector<Offence> JudgeTools(const History& history) { return ToolCourt(history).Judge(); }

}  // namespace penstock::harness
