// Sees one turn to its end over streams that break, and runs the tools that it asks for.
#pragma once

#include <string>
#include <utility>

#include "penstock/chat/v1/turn.pb.h"
#include "tests/harness/caller.h"
#include "tests/harness/history.h"
#include "tests/harness/ledger.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::harness {

// The end that `source` told of.
Outcome OutcomeOf(const chat::v1::Turn& turn, absl::string_view source);

// What the caller's tools answer: the same however often they are run.
std::string ResultOf(const std::string& turn, const chat::v1::ToolCall& call);

// Not thread-safe; references must outlive it.
class Follower {
 public:
  Follower(const Caller& caller, Ledger& ledger, std::string user, absl::Time give_up)
      : caller_(caller), ledger_(ledger), give_up_(give_up), watch_{std::move(user), ""} {}

  // Takes the events of a stream, whoever opened it: WatchTurn or StreamTurn.
  void See(const chat::v1::TurnEvent& event);

  // Watches `turn` after the last event seen, as often as it takes until Finished, and hands what
  // was seen to the ledger. NOT_FOUND when the turn is not known any more.
  absl::Status Follow(const std::string& turn) &&;

 private:
  // Answers until that is acknowledged, and then once more, as if the answer had been lost; of
  // calls that are answered already, the same again. A refusal is left to the stream, which tells
  // of an end.
  void RunTools(const chat::v1::ToolCallsRequested& asked);

  const Caller& caller_;
  Ledger& ledger_;
  const absl::Time give_up_;
  Watch watch_;
  bool finished_ = false;
};

}  // namespace penstock::harness
