#include "tests/harness/stages.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace penstock::harness {
namespace {

// A process is found dead a little later than it dies, and the provider sees it at once.
constexpr absl::Duration kFoundDeadAfter = absl::Milliseconds(100);

// "t" of "sessions/s/turns/t".
std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// By start.
using Calls = std::vector<const ProviderCall*>;

struct Life {
  std::string turn;
  absl::Time acknowledged = absl::InfiniteFuture();
  absl::Time end_told = absl::InfiniteFuture();
  Calls calls = {};
  // By step. Who watches from the start again is asked again.
  std::map<int, ToolWait> tool_waits = {};
};

std::vector<Life> LivesOf(const History& history) {
  std::map<std::string, Life> lives;
  for (const Told& told : history.told) {
    if (told.answer != Answer::kAcknowledged) continue;
    Life& life = lives[IdOf(told.turn)];
    life.turn = told.turn;
    life.acknowledged = std::min(life.acknowledged, told.time);
  }
  for (const Outcome& outcome : history.outcomes) {
    Life& life = lives[IdOf(outcome.turn)];
    life.end_told = std::min(life.end_told, outcome.time);
  }
  for (const ProviderCall& call : history.provider_calls) {
    lives[IdOf(call.turn)].calls.push_back(&call);
  }
  for (const ToolWait& wait : history.tool_waits) {
    ToolWait& first = lives[IdOf(wait.turn)].tool_waits.insert({wait.step, wait}).first->second;
    first.asked = std::min(first.asked, wait.asked);
    first.answered = std::min(first.answered, wait.answered);
  }
  std::vector<Life> sorted;
  for (auto& [id, life] : lives) {
    std::sort(life.calls.begin(), life.calls.end(),
              [](const ProviderCall* a, const ProviderCall* b) { return a->start < b->start; });
    sorted.push_back(std::move(life));
  }
  return sorted;
}

Stage AfterTheAnswer(const KillSeen& kill, bool called_again) {
  if (kill.stage_of_hit == Stage::kCommitting || kill.stage_of_hit == Stage::kCommittedUntold) {
    return *kill.stage_of_hit;
  }
  return kill.process == "dispatcher" && !called_again ? Stage::kCommittedUntold
                                                       : Stage::kCommitting;
}

Stage StageOf(const Life& life, const KillSeen& kill) {
  const ProviderCall* last = nullptr;
  for (const ProviderCall* call : life.calls) {
    if (call->start <= kill.time) last = call;
  }
  if (last == nullptr) return Stage::kAccepted;
  const bool ended = last->end < kill.time;
  const auto tools = life.tool_waits.find(last->step);
  if (ended && tools != life.tool_waits.end() && tools->second.asked <= kill.time) {
    return kill.time < tools->second.answered ? Stage::kAwaitingTools : Stage::kAccepted;
  }
  if (ended && last->completed) return AfterTheAnswer(kill, last != life.calls.back());
  if (ended && last->end < kill.time - kFoundDeadAfter) return Stage::kAccepted;
  return kill.time < last->first_token ? Stage::kBegun : Stage::kStreaming;
}

}  // namespace

absl::string_view NameOf(Stage stage) {
  switch (stage) {
    case Stage::kAccepted:
      return "accepted";
    case Stage::kBegun:
      return "begun";
    case Stage::kStreaming:
      return "streaming";
    case Stage::kCommitting:
      return "committing";
    case Stage::kCommittedUntold:
      return "committed-untold";
    case Stage::kAwaitingTools:
      return "awaiting tools";
  }
  return "";
}

std::vector<KillSeen> KillsWithStages(const History& history) {
  const std::vector<Life> lives = LivesOf(history);
  std::vector<KillSeen> kills = history.kills;
  for (KillSeen& kill : kills) {
    for (const Life& life : lives) {
      if (life.acknowledged > kill.time || life.end_told <= kill.time) continue;
      kill.stages[life.turn] = StageOf(life, kill);
    }
  }
  return kills;
}

}  // namespace penstock::harness
