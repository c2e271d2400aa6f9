// The other services, as the gateway sees them.
#pragma once

#include <memory>
#include <optional>

#include "libs/async/awaitable.h"
#include "libs/base/clock.h"
#include "libs/identity/grant.h"
#include "penstock/chat/v1/memory.pb.h"
#include "penstock/chat/v1/session.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
#include "penstock/dispatcher/v1/operations.pb.h"
#include "penstock/memory/v1/memory_recall.pb.h"
#include "penstock/session/v1/session_state.pb.h"
#include "services/gateway/caller.h"

#include "absl/status/statusor.h"

namespace grpc {
class Channel;
}

namespace penstock::gateway {

// An event stream of the dispatcher. Dropping it ends the call. One coroutine reads at a time.
class TurnStream {
 public:
  virtual ~TurnStream() = default;

  // The next event; nullopt after the last one of a stream that ended with OK; else the
  // dispatcher's own status, as it is.
  virtual Awaitable<absl::StatusOr<std::optional<chat::v1::TurnEvent>>> Next() = 0;
  // Next answers CANCELLED from now on. Thread-safe.
  virtual void Cancel() = 0;
};

// Every call carries a grant of the caller for its service, the caller's deadline and a child of
// its trace, and ends when the caller goes. Thread-safe.
class Downstream {
 public:
  struct Channels {
    std::shared_ptr<grpc::Channel> dispatcher;
    std::shared_ptr<grpc::Channel> session_state;
    std::shared_ptr<grpc::Channel> memory_recall;
  };

  // The references outlive it. Its end waits for that of its calls, and must not come on a thread
  // of gRPC's. Nobody else keeps the channels longer.
  Downstream(const Channels& channels, const identity::GrantMinter& minter, Clock& clock);
  ~Downstream();

  template <class Response>
  using Answer = Awaitable<absl::StatusOr<Response>>;

  std::unique_ptr<TurnStream> StreamTurn(const Caller& caller,
                                         dispatcher::v1::StreamTurnRequest request);
  std::unique_ptr<TurnStream> WatchTurn(const Caller& caller,
                                        dispatcher::v1::WatchTurnRequest request);

  // The status of these is what a caller may see (public_status.h), but for SubmitTurn and
  // SubmitToolResults, whose status is the dispatcher's own.
  Answer<chat::v1::Turn> SubmitTurn(const Caller& caller,
                                    dispatcher::v1::SubmitTurnRequest request);
  Answer<chat::v1::Turn> SubmitToolResults(const Caller& caller,
                                           dispatcher::v1::SubmitToolResultsRequest request);
  Answer<chat::v1::Turn> CancelTurn(const Caller& caller,
                                    dispatcher::v1::CancelTurnRequest request);
  Answer<chat::v1::Turn> GetLiveTurn(const Caller& caller, dispatcher::v1::GetTurnRequest request);
  Answer<dispatcher::v1::ListLiveTurnsResponse> ListLiveTurns(
      const Caller& caller, dispatcher::v1::ListLiveTurnsRequest request);
  Answer<dispatcher::v1::CancelSessionResponse> CancelSession(
      const Caller& caller, dispatcher::v1::CancelSessionRequest request);
  Answer<dispatcher::v1::ForgetSessionResponse> ForgetSession(
      const Caller& caller, dispatcher::v1::ForgetSessionRequest request);

  Answer<dispatcher::v1::Load> GetLoad(const Caller& caller,
                                       dispatcher::v1::GetLoadRequest request);

  Answer<chat::v1::Turn> GetEndedTurn(const Caller& caller, session::v1::GetTurnRequest request);
  Answer<session::v1::ListTurnsResponse> ListEndedTurns(const Caller& caller,
                                                        session::v1::ListTurnsRequest request);
  Answer<chat::v1::Session> CreateSession(const Caller& caller,
                                          session::v1::CreateSessionRequest request);
  Answer<chat::v1::Session> GetSession(const Caller& caller,
                                       session::v1::GetSessionRequest request);
  Answer<session::v1::ListSessionsResponse> ListSessions(const Caller& caller,
                                                         session::v1::ListSessionsRequest request);
  Answer<chat::v1::Session> UpdateSession(const Caller& caller,
                                          session::v1::UpdateSessionRequest request);
  Answer<chat::v1::Session> DeleteSession(const Caller& caller,
                                          session::v1::DeleteSessionRequest request);

  Answer<chat::v1::Memory> CreateMemory(const Caller& caller,
                                        memory::v1::CreateMemoryRequest request);
  Answer<chat::v1::Memory> GetMemory(const Caller& caller, memory::v1::GetMemoryRequest request);
  Answer<memory::v1::ListMemoriesResponse> ListMemories(const Caller& caller,
                                                        memory::v1::ListMemoriesRequest request);
  Answer<memory::v1::SearchMemoriesResponse> SearchMemories(
      const Caller& caller, memory::v1::SearchMemoriesRequest request);
  Answer<chat::v1::Memory> DeleteMemory(const Caller& caller,
                                        memory::v1::DeleteMemoryRequest request);

 private:
  struct Stubs;

  const std::unique_ptr<Stubs> stubs_;
};

}  // namespace penstock::gateway
