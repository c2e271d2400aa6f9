#include "services/gateway/downstream.h"

#include <string>
#include <utility>

#include <grpcpp/channel.h>

#include "libs/rpc/batched_stream.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/client.h"
#include "penstock/dispatcher/v1/dispatcher.grpc.pb.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "penstock/memory/v1/memory_recall.grpc.pb.h"
#include "penstock/session/v1/session_state.grpc.pb.h"
#include "services/gateway/public_status.h"

namespace penstock::gateway {
namespace {

using chat::v1::Memory;
using chat::v1::Session;
using chat::v1::Turn;
using chat::v1::TurnEvent;
using dispatcher::v1::Dispatcher;
using dispatcher::v1::Operations;
using memory::v1::MemoryRecall;
using session::v1::SessionState;

template <class Response>
using Answer = Awaitable<absl::StatusOr<Response>>;

// One service: its stub, its name, and the grants it takes.
template <class Service>
class Peer {
 public:
  using Async = typename Service::StubInterface::async_interface;

  Peer(absl::string_view name, std::shared_ptr<grpc::Channel> channel,
       const identity::GrantMinter& minter, Clock& clock)
      : name_(name), stub_(Service::NewStub(std::move(channel))), minter_(minter), clock_(clock) {}

  // Its name is its audience.
  rpc::CallOptions Options(const Caller& caller) const {
    return {.deadline = caller.deadline,
            .grant = minter_.Mint(name_, caller.principal, /*turn_id=*/"", clock_.Now()),
            .traceparent = obs::ToTraceparent(obs::ChildOf(caller.trace)),
            .stop = caller.stop};
  }

  Async* async() const { return stub_->async(); }

  // Answers the service's own status.
  template <class Request, class Response>
  Answer<Response> Raw(const Caller& caller,
                       void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                             std::function<void(grpc::Status)>),
                       Request request) const {
    return rpc::Call(async(), method, std::move(request), Options(caller));
  }

  // Answers the status that callers may see.
  template <class Request, class Response>
  Answer<Response> Call(const Caller& caller,
                        void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                              std::function<void(grpc::Status)>),
                        Request request) const {
    auto response = co_await Raw(caller, method, std::move(request));
    if (response.ok()) co_return response;
    if (caller.stop.stop_requested()) co_return absl::CancelledError("the caller has gone");
    co_return PublicStatus(response.status(), name_, caller.trace);
  }

 private:
  const absl::string_view name_;
  const std::unique_ptr<typename Service::Stub> stub_;
  const identity::GrantMinter& minter_;
  Clock& clock_;
};

using TurnEventBatches = rpc::ServerStream<dispatcher::v1::TurnEventBatch>;

class GrpcTurnStream final : public TurnStream {
 public:
  explicit GrpcTurnStream(TurnEventBatches batches) : stream_(std::move(batches)) {}
  Answer<std::optional<TurnEvent>> Next() override { return stream_.Next(); }
  void Cancel() override { stream_.Cancel(); }

 private:
  rpc::BatchedStream<dispatcher::v1::TurnEventBatch> stream_;
};

template <class Method, class Request>
std::unique_ptr<TurnStream> Open(const Peer<Dispatcher>& dispatcher, const Caller& caller,
                                 Method method, Request request) {
  return std::make_unique<GrpcTurnStream>(TurnEventBatches::Open(
      dispatcher.async(), method, std::move(request), dispatcher.Options(caller)));
}

using ToDispatcher = Dispatcher::StubInterface::async_interface;
using ToOperations = Operations::StubInterface::async_interface;
using ToSession = SessionState::StubInterface::async_interface;
using ToMemory = MemoryRecall::StubInterface::async_interface;

}  // namespace

struct Downstream::Stubs {
  // Before the stubs, and so given up after them.
  struct HeldChannels {
    ~HeldChannels() {
      rpc::CloseChannel(std::move(channels.dispatcher));
      rpc::CloseChannel(std::move(channels.session_state));
      rpc::CloseChannel(std::move(channels.memory_recall));
    }
    Channels channels;
  };

  Stubs(const Channels& channels, const identity::GrantMinter& minter, Clock& clock)
      : held{channels},
        dispatcher(identity::kDispatcherAudience, channels.dispatcher, minter, clock),
        operations(identity::kDispatcherAudience, channels.dispatcher, minter, clock),
        session_state(identity::kSessionStateAudience, channels.session_state, minter, clock),
        memory_recall(identity::kMemoryRecallAudience, channels.memory_recall, minter, clock) {}

  HeldChannels held;
  Peer<Dispatcher> dispatcher;
  Peer<Operations> operations;
  Peer<SessionState> session_state;
  Peer<MemoryRecall> memory_recall;
};

Downstream::Downstream(const Channels& channels, const identity::GrantMinter& minter, Clock& clock)
    : stubs_(std::make_unique<Stubs>(channels, minter, clock)) {}

Downstream::~Downstream() = default;

std::unique_ptr<TurnStream> Downstream::StreamTurn(const Caller& caller,
                                                   dispatcher::v1::StreamTurnRequest request) {
  return Open(stubs_->dispatcher, caller, &ToDispatcher::StreamTurn, std::move(request));
}
std::unique_ptr<TurnStream> Downstream::WatchTurn(const Caller& caller,
                                                  dispatcher::v1::WatchTurnRequest request) {
  return Open(stubs_->dispatcher, caller, &ToDispatcher::WatchTurn, std::move(request));
}

Answer<Turn> Downstream::SubmitTurn(const Caller& caller,
                                    dispatcher::v1::SubmitTurnRequest request) {
  return stubs_->dispatcher.Raw<dispatcher::v1::SubmitTurnRequest, Turn>(
      caller, &ToDispatcher::SubmitTurn, std::move(request));
}
Answer<Turn> Downstream::SubmitToolResults(const Caller& caller,
                                           dispatcher::v1::SubmitToolResultsRequest request) {
  return stubs_->dispatcher.Raw<dispatcher::v1::SubmitToolResultsRequest, Turn>(
      caller, &ToDispatcher::SubmitToolResults, std::move(request));
}
Answer<Turn> Downstream::CancelTurn(const Caller& caller,
                                    dispatcher::v1::CancelTurnRequest request) {
  return stubs_->dispatcher.Call<dispatcher::v1::CancelTurnRequest, Turn>(
      caller, &ToDispatcher::CancelTurn, std::move(request));
}
Answer<Turn> Downstream::GetLiveTurn(const Caller& caller, dispatcher::v1::GetTurnRequest request) {
  return stubs_->dispatcher.Call<dispatcher::v1::GetTurnRequest, Turn>(
      caller, &ToDispatcher::GetTurn, std::move(request));
}
Answer<dispatcher::v1::ListLiveTurnsResponse> Downstream::ListLiveTurns(
    const Caller& caller, dispatcher::v1::ListLiveTurnsRequest request) {
  return stubs_->dispatcher
      .Call<dispatcher::v1::ListLiveTurnsRequest, dispatcher::v1::ListLiveTurnsResponse>(
          caller, &ToDispatcher::ListLiveTurns, std::move(request));
}
Answer<dispatcher::v1::CancelSessionResponse> Downstream::CancelSession(
    const Caller& caller, dispatcher::v1::CancelSessionRequest request) {
  return stubs_->dispatcher
      .Call<dispatcher::v1::CancelSessionRequest, dispatcher::v1::CancelSessionResponse>(
          caller, &ToDispatcher::CancelSession, std::move(request));
}
Answer<dispatcher::v1::ForgetSessionResponse> Downstream::ForgetSession(
    const Caller& caller, dispatcher::v1::ForgetSessionRequest request) {
  return stubs_->dispatcher
      .Call<dispatcher::v1::ForgetSessionRequest, dispatcher::v1::ForgetSessionResponse>(
          caller, &ToDispatcher::ForgetSession, std::move(request));
}

Answer<dispatcher::v1::Load> Downstream::GetLoad(const Caller& caller,
                                                 dispatcher::v1::GetLoadRequest request) {
  return stubs_->operations.Call<dispatcher::v1::GetLoadRequest, dispatcher::v1::Load>(
      caller, &ToOperations::GetLoad, std::move(request));
}

Answer<Turn> Downstream::GetEndedTurn(const Caller& caller, session::v1::GetTurnRequest request) {
  return stubs_->session_state.Call<session::v1::GetTurnRequest, Turn>(caller, &ToSession::GetTurn,
                                                                       std::move(request));
}
Answer<session::v1::ListTurnsResponse> Downstream::ListEndedTurns(
    const Caller& caller, session::v1::ListTurnsRequest request) {
  return stubs_->session_state.Call<session::v1::ListTurnsRequest, session::v1::ListTurnsResponse>(
      caller, &ToSession::ListTurns, std::move(request));
}
Answer<Session> Downstream::CreateSession(const Caller& caller,
                                          session::v1::CreateSessionRequest request) {
  return stubs_->session_state.Call<session::v1::CreateSessionRequest, Session>(
      caller, &ToSession::CreateSession, std::move(request));
}
Answer<Session> Downstream::GetSession(const Caller& caller,
                                       session::v1::GetSessionRequest request) {
  return stubs_->session_state.Call<session::v1::GetSessionRequest, Session>(
      caller, &ToSession::GetSession, std::move(request));
}
Answer<session::v1::ListSessionsResponse> Downstream::ListSessions(
    const Caller& caller, session::v1::ListSessionsRequest request) {
  return stubs_->session_state
      .Call<session::v1::ListSessionsRequest, session::v1::ListSessionsResponse>(
          caller, &ToSession::ListSessions, std::move(request));
}
Answer<Session> Downstream::UpdateSession(const Caller& caller,
                                          session::v1::UpdateSessionRequest request) {
  return stubs_->session_state.Call<session::v1::UpdateSessionRequest, Session>(
      caller, &ToSession::UpdateSession, std::move(request));
}
Answer<Session> Downstream::DeleteSession(const Caller& caller,
                                          session::v1::DeleteSessionRequest request) {
  return stubs_->session_state.Call<session::v1::DeleteSessionRequest, Session>(
      caller, &ToSession::DeleteSession, std::move(request));
}

Answer<Memory> Downstream::CreateMemory(const Caller& caller,
                                        memory::v1::CreateMemoryRequest request) {
  return stubs_->memory_recall.Call<memory::v1::CreateMemoryRequest, Memory>(
      caller, &ToMemory::CreateMemory, std::move(request));
}
Answer<Memory> Downstream::GetMemory(const Caller& caller, memory::v1::GetMemoryRequest request) {
  return stubs_->memory_recall.Call<memory::v1::GetMemoryRequest, Memory>(
      caller, &ToMemory::GetMemory, std::move(request));
}
Answer<memory::v1::ListMemoriesResponse> Downstream::ListMemories(
    const Caller& caller, memory::v1::ListMemoriesRequest request) {
  return stubs_->memory_recall
      .Call<memory::v1::ListMemoriesRequest, memory::v1::ListMemoriesResponse>(
          caller, &ToMemory::ListMemories, std::move(request));
}
Answer<memory::v1::SearchMemoriesResponse> Downstream::SearchMemories(
    const Caller& caller, memory::v1::SearchMemoriesRequest request) {
  return stubs_->memory_recall
      .Call<memory::v1::SearchMemoriesRequest, memory::v1::SearchMemoriesResponse>(
          caller, &ToMemory::SearchMemories, std::move(request));
}
Answer<Memory> Downstream::DeleteMemory(const Caller& caller,
                                        memory::v1::DeleteMemoryRequest request) {
  return stubs_->memory_recall.Call<memory::v1::DeleteMemoryRequest, Memory>(
      caller, &ToMemory::DeleteMemory, std::move(request));
}

}  // namespace penstock::gateway
