// All that was seen of a run, from outside: what callers were told, what the provider received,
// what the RPCs say at the end. Judge (judge.h) reads it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/time/time.h"

namespace penstock::harness {

using TurnState = chat::v1::Turn::State;

// A turn that a caller wanted, once.
struct Intent {
  // Unique in the history.
  std::string request_id;
  std::string user;
  // "sessions/{session}".
  std::string session;
  // 1, 2, 3 … in its session: the next is submitted when this one is acknowledged.
  int order = 0;
  // Stands in the input of this turn and of no other; empty: not looked for.
  std::string mark = {};
  // The tool that the caller offers; empty: none.
  std::string tool = {};
};

enum class Answer {
  // Sent, for the first time or again.
  kInvoked,
  // Durable: the turn has a name.
  kAcknowledged,
  // Refused: nothing was stored.
  kRefused,
  // The call broke, and says nothing of the turn.
  kUnknown,
};

// What one call of a submission told.
struct Told {
  std::string request_id;
  Answer answer = Answer::kInvoked;
  absl::Time time = absl::InfinitePast();
  // Of kAcknowledged: "sessions/{session}/turns/{turn}".
  std::string turn = {};
  // The status, of the other answers.
  std::string detail = {};
};

// A terminal state somebody was told.
struct Outcome {
  std::string turn;
  TurnState state = TurnState::Turn_State_STATE_UNSPECIFIED;
  std::string output = {};
  // "WatchTurn", "GetTurn" …
  std::string source = {};
  absl::Time time = absl::InfiniteFuture();
};

struct SeenEvent {
  enum class Kind {
    kAccepted,
    kQueued,
    kStarted,
    kDelta,
    kStepFinished,
    kToolCallsRequested,
    kRestarted,
    kFinished
  };
  Kind kind = Kind::kQueued;
  int64_t index = 0;
  // Of kStarted and kRestarted.
  int run = 0;
  // Of kDelta, kStepFinished and kFinished.
  std::string text = {};
  // Of kRestarted.
  int64_t keep_through = 0;
  // Of kFinished.
  TurnState state = TurnState::Turn_State_STATE_UNSPECIFIED;
  // Of kStepFinished and kToolCallsRequested.
  int step = 0;
};

// What one watcher saw of a turn from its start, over all streams that it resumed.
struct Watch {
  std::string user;
  std::string turn;
  std::vector<SeenEvent> events = {};
};

// A call that the provider received.
struct ProviderCall {
  // Name or id.
  std::string turn;
  int64_t attempt = 0;
  absl::Time start = absl::InfinitePast();
  // Everything it was sent.
  std::string text = {};
  // When its first token was due.
  absl::Time first_token = absl::InfiniteFuture();
  // InfiniteFuture while it is open.
  absl::Time end = absl::InfiniteFuture();
  // All of the answer was sent.
  bool completed = false;
  // Of the turn, from 0.
  int step = 0;
};

// A turn as ListTurns of its user shows it at the end.
struct StoredTurn {
  std::string user;
  std::string name;
  int64_t sequence = 0;
  TurnState state = TurnState::Turn_State_STATE_UNSPECIFIED;
  std::string request_id = {};
  std::string input = {};
  std::string output = {};
  // Contents, in their order.
  std::vector<std::string> tool_results = {};
};

// A watcher was asked to run tools.
struct ToolWait {
  std::string turn;
  int step = 0;
  absl::Time asked = absl::InfinitePast();
  // When the results were acknowledged; InfiniteFuture: they were refused, because of an end.
  absl::Time answered = absl::InfiniteFuture();
  // Their contents.
  std::vector<std::string> results = {};
};

// Where an acknowledged turn stands of which no end was told.
enum class Stage {
  // Waits, for the first time or to be run again.
  kAccepted,
  // Its provider call is open, and no token has come.
  kBegun,
  kStreaming,
  // The provider has answered; session-state has not stored the end.
  kCommitting,
  // Stored, and nobody was told.
  kCommittedUntold,
  kAwaitingTools,
};

inline constexpr Stage kAllStages[] = {Stage::kAccepted,        Stage::kBegun,
                                       Stage::kStreaming,       Stage::kCommitting,
                                       Stage::kCommittedUntold, Stage::kAwaitingTools};

// A process was killed.
struct KillSeen {
  std::string process;
  // From outside: just before. By itself: when it was found dead.
  absl::Time time = absl::InfinitePast();
  // Where it killed itself; empty: killed from outside.
  std::string failpoint = {};
  // When it was dead; InfinitePast: at `time`.
  absl::Time dead = absl::InfinitePast();
  // In which stage the turn was that came to the failpoint, if that says so.
  std::optional<Stage> stage_of_hit = {};
  // Of every turn in flight; found by Judge.
  std::map<std::string, Stage> stages = {};
};

// A caller was told that a turn is cancelled, or will be.
struct CancelTold {
  std::string turn;
  absl::Time time = absl::InfinitePast();
};

// A caller was told that a session or a memory, made with this request_id, is there.
struct Made {
  std::string user;
  std::string request_id;
  std::string name;
};

struct History {
  std::vector<Intent> intents;
  std::vector<Told> told;
  std::vector<Outcome> outcomes;
  std::vector<Watch> watches;
  std::vector<ProviderCall> provider_calls;
  std::vector<ToolWait> tool_waits;
  std::vector<StoredTurn> stored;
  std::vector<KillSeen> kills;
  std::vector<CancelTold> cancels;
  std::vector<Made> made;
  // Users and names of the sessions and memories that are there at the end.
  std::vector<std::pair<std::string, std::string>> kept;
};

bool IsTerminal(TurnState state);

}  // namespace penstock::harness
