// Stand-ins for dispatcher, session-state and memory-recall on a real socket, for tests.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/identity/principal.h"
#include "penstock/chat/v1/memory.pb.h"
#include "penstock/chat/v1/session.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
#include "penstock/dispatcher/v1/operations.pb.h"

#include "absl/status/status.h"

namespace penstock::gateway {

// What one StreamTurn or WatchTurn of the dispatcher answers.
struct FakeStream {
  std::vector<chat::v1::TurnEvent> events;
  absl::Status end;
  // Does not end, after its events, before its reader has gone.
  bool stays_open = false;
};

// Of turn t1 in session s1.
inline constexpr char kFakeTurn[] = "sessions/s1/turns/t1";
chat::v1::TurnEvent EventOf(int64_t index);
chat::v1::TurnEvent AcceptedEvent();
chat::v1::TurnEvent DeltaEvent(int64_t index);
chat::v1::TurnEvent FinishedEvent(int64_t index);
// Number `n` of session s1.
chat::v1::Turn TurnOf(int n, chat::v1::Turn::State state);
// A connection that broke.
absl::Status Lost();

// Checks grants as the services do. A test sets it up before a call and looks at it afterwards.
class FakePeers {
 public:
  FakePeers(const host::Environment& environment, absl::string_view grant_root);
  ~FakePeers();

  // Of all three.
  const std::string& endpoint() const;

  // Blocks until that many readers of streams have gone before the end.
  void WaitForGone(int readers);

  // In order; UNAVAILABLE, as of a lost connection, when there are none left.
  std::deque<FakeStream> streams;
  std::vector<dispatcher::v1::StreamTurnRequest> streamed;
  std::vector<dispatcher::v1::WatchTurnRequest> watched;
  std::vector<dispatcher::v1::SubmitTurnRequest> submitted;
  std::vector<dispatcher::v1::SubmitToolResultsRequest> tool_results;
  // Of unary calls in order: "CancelSession sessions/s1".
  std::vector<std::string> calls;
  // Of the last call.
  std::string user;
  std::vector<std::string> scopes;
  std::string traceparent;
  // Answered by the next unary calls, in order.
  std::deque<absl::Status> errors;

  std::vector<chat::v1::Turn> live;
  // ListLiveTurns leaves out what was said in them.
  bool lists_in_short = false;
  std::vector<chat::v1::Turn> ended;
  std::map<std::string, chat::v1::Session> sessions;
  std::map<std::string, chat::v1::Memory> memories;
  dispatcher::v1::Load load;

 private:
  struct Server;
  friend struct FakeHandlers;

  std::unique_ptr<Server> server_;
};

}  // namespace penstock::gateway
