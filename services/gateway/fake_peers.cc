#include "services/gateway/fake_peers.h"

#include <utility>

#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "libs/base/refusal.h"
#include "libs/identity/grant.h"
#include "libs/rpc/server.h"
#include "libs/rpc/server_host.h"
#include "penstock/dispatcher/v1/dispatcher.grpc.pb.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "penstock/memory/v1/memory_recall.grpc.pb.h"
#include "penstock/session/v1/session_state.grpc.pb.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using chat::v1::Memory;
using chat::v1::Session;
using chat::v1::Turn;
using chat::v1::TurnEvent;
using dispatcher::v1::TurnEventBatch;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

absl::Status NotFound(absl::string_view reason, absl::string_view name) {
  return Refusal(absl::StatusCode::kNotFound, reason, absl::StrCat(name, ": not found"))
      .With("name", name);
}

}  // namespace

TurnEvent EventOf(int64_t index) {
  TurnEvent event;
  event.set_index(index);
  return event;
}
TurnEvent AcceptedEvent() {
  TurnEvent event = EventOf(1);
  event.mutable_accepted()->set_turn(kFakeTurn);
  event.mutable_accepted()->set_session("sessions/s1");
  return event;
}
TurnEvent DeltaEvent(int64_t index) {
  TurnEvent event = EventOf(index);
  event.mutable_delta()->set_text("x");
  return event;
}
TurnEvent FinishedEvent(int64_t index) {
  TurnEvent event = EventOf(index);
  event.mutable_finished()->mutable_turn()->set_name(kFakeTurn);
  event.mutable_finished()->mutable_turn()->set_state(Turn::SUCCEEDED);
  return event;
}
Turn TurnOf(int n, Turn::State state) {
  Turn turn;
  turn.set_name(absl::StrCat("sessions/s1/turns/t", n));
  turn.set_sequence(n);
  turn.set_state(state);
  return turn;
}
absl::Status Lost() { return absl::UnavailableError("Socket closed"); }

// Shared by the three services.
struct FakeHandlers {
  FakePeers& peers;
  Mutex mutex;
  CondVar changed;
  int gone ABSL_GUARDED_BY(mutex) = 0;

  // Notes the call; the error that it is to answer.
  absl::Status Note(const rpc::ServerCall& call, absl::string_view what, absl::string_view name) {
    MutexLock lock(mutex);
    peers.user = call.principal().user;
    peers.scopes = call.principal().scopes;
    peers.traceparent = obs::ToTraceparent(call.trace());
    peers.calls.push_back(absl::StrCat(what, " ", name));
    if (peers.errors.empty()) return absl::OkStatus();
    absl::Status error = std::move(peers.errors.front());
    peers.errors.pop_front();
    return error;
  }

  FakeStream NextStream() {
    MutexLock lock(mutex);
    if (peers.streams.empty()) return {{}, Lost()};
    FakeStream stream = std::move(peers.streams.front());
    peers.streams.pop_front();
    return stream;
  }

  // The first event alone, then two in a message.
  Awaitable<absl::Status> Play(rpc::ServerCall& call, rpc::StreamWriter<TurnEventBatch>& out) {
    const FakeStream stream = NextStream();
    TurnEventBatch batch;
    for (size_t i = 0; i < stream.events.size(); ++i) {
      *batch.add_events() = stream.events[i];
      if (i % 2 == 1 && i + 1 < stream.events.size()) continue;
      if (!(co_await out.Write(batch)).ok()) co_return Gone();
      batch.clear_events();
    }
    if (!stream.stays_open) co_return stream.end;
    OneShot<bool> stopped;
    std::stop_callback on_stop(call.stop_token(), [&stopped] { stopped.Set(true); });
    co_await stopped.Wait();
    co_return Gone();
  }

  absl::Status Gone() {
    MutexLock lock(mutex);
    ++gone;
    changed.NotifyAll();
    return absl::CancelledError("gone");
  }

  absl::StatusOr<Turn> Find(const std::vector<Turn>& turns, const std::string& name) {
    for (const Turn& turn : turns) {
      if (turn.name() == name) return turn;
    }
    return NotFound("TURN_NOT_FOUND", name);
  }
};

namespace {

// Answers a unary call with what `work` makes of the request, unless an error is due.
template <class Request, class Response, class Work>
ServerUnaryReactor* Answer(FakeHandlers& fake, rpc::Method& method, CallbackServerContext* context,
                           const Request* request, Response* response, absl::string_view what,
                           std::string name, Work work) {
  return rpc::ServeUnary(method, context, request, response,
                         [&fake, what, name, work](rpc::ServerCall& call, const Request& q,
                                                   Response& r) -> Awaitable<absl::Status> {
                           return [](FakeHandlers& f, rpc::ServerCall& c, absl::string_view w,
                                     std::string n, Work act, const Request& req,
                                     Response& res) -> Awaitable<absl::Status> {
                             absl::Status status = f.Note(c, w, n);
                             if (status.ok()) status = act(req, res);
                             co_return status;
                           }(fake, call, what, name, work, q, r);
                         });
}

template <class Value>
absl::Status Put(absl::StatusOr<Value> found, Value& out) {
  if (found.ok()) out = *std::move(found);
  return found.status();
}

#define FAKE_UNARY(Request, Response, Name, key, ...)                                \
  ServerUnaryReactor* Name(CallbackServerContext* context, const Request* request,   \
                           Response* response) override {                            \
    return Answer(fake_, method_, context, request, response, #Name, request->key(), \
                  [this](const Request& q, Response& r) -> absl::Status {            \
                    FakePeers& peers = this->fake_.peers;                            \
                    __VA_ARGS__                                                      \
                    return absl::OkStatus();                                         \
                  });                                                                \
  }

class FakeDispatcher final : public dispatcher::v1::Dispatcher::CallbackService {
 public:
  FakeDispatcher(FakeHandlers& fake, const rpc::ServerEnvironment& environment)
      : fake_(fake), method_(environment, "fake/Dispatcher") {}

  grpc::ServerWriteReactor<TurnEventBatch>* StreamTurn(
      CallbackServerContext* context, const dispatcher::v1::StreamTurnRequest* request) override {
    {
      MutexLock lock(fake_.mutex);
      fake_.peers.streamed.push_back(*request);
    }
    return rpc::ServeStream<TurnEventBatch>(
        method_, context, request,
        [this](rpc::ServerCall& call, const auto&, auto& out) { return fake_.Play(call, out); });
  }
  grpc::ServerWriteReactor<TurnEventBatch>* WatchTurn(
      CallbackServerContext* context, const dispatcher::v1::WatchTurnRequest* request) override {
    {
      MutexLock lock(fake_.mutex);
      fake_.peers.watched.push_back(*request);
    }
    return rpc::ServeStream<TurnEventBatch>(
        method_, context, request,
        [this](rpc::ServerCall& call, const auto&, auto& out) { return fake_.Play(call, out); });
  }
  FAKE_UNARY(dispatcher::v1::SubmitTurnRequest, Turn, SubmitTurn, session, {
    peers.submitted.push_back(q);
    r.set_name(absl::StrCat(q.session(), "/turns/t1"));
    if (const auto known = this->fake_.Find(peers.live, r.name()); known.ok()) r = *known;
  })
  FAKE_UNARY(dispatcher::v1::SubmitToolResultsRequest, Turn, SubmitToolResults, name, {
    peers.tool_results.push_back(q);
    return Put(this->fake_.Find(peers.live, q.name()), r);
  })
  FAKE_UNARY(dispatcher::v1::CancelTurnRequest, Turn, CancelTurn, name,
             return Put(this->fake_.Find(peers.live, q.name()), r);)
  FAKE_UNARY(dispatcher::v1::GetTurnRequest, Turn, GetTurn, name,
             return Put(this->fake_.Find(peers.live, q.name()), r);)
  FAKE_UNARY(dispatcher::v1::ListLiveTurnsRequest, dispatcher::v1::ListLiveTurnsResponse,
             ListLiveTurns, parent, {
               (void)q;
               for (const Turn& turn : peers.live) {
                 *r.add_turns() = turn;
                 if (peers.lists_in_short) r.mutable_turns()->rbegin()->clear_input();
               }
             })
  FAKE_UNARY(dispatcher::v1::CancelSessionRequest, dispatcher::v1::CancelSessionResponse,
             CancelSession, session, (void)peers;
             (void)q; (void)r;)
  FAKE_UNARY(dispatcher::v1::ForgetSessionRequest, dispatcher::v1::ForgetSessionResponse,
             ForgetSession, session, (void)peers;
             (void)q; (void)r;)

 private:
  FakeHandlers& fake_;
  rpc::Method method_;
};

class FakeOperations final : public dispatcher::v1::Operations::CallbackService {
 public:
  FakeOperations(FakeHandlers& fake, const rpc::ServerEnvironment& environment)
      : fake_(fake), method_(environment, "fake/Operations") {}

  FAKE_UNARY(dispatcher::v1::GetLoadRequest, dispatcher::v1::Load, GetLoad, GetTypeName, (void)q;
             r = peers.load;)

 private:
  FakeHandlers& fake_;
  rpc::Method method_;
};

absl::Status FindSession(FakePeers& peers, const std::string& name, Session& out) {
  const auto found = peers.sessions.find(name);
  if (found == peers.sessions.end()) return NotFound("SESSION_NOT_FOUND", name);
  out = found->second;
  return absl::OkStatus();
}

class FakeSessionState final : public session::v1::SessionState::CallbackService {
 public:
  FakeSessionState(FakeHandlers& fake, const rpc::ServerEnvironment& environment)
      : fake_(fake), method_(environment, "fake/SessionState") {}

  FAKE_UNARY(session::v1::CreateSessionRequest, Session, CreateSession, session_id, {
    r = q.session();
    r.set_name(absl::StrCat("sessions/", q.session_id()));
    peers.sessions[r.name()] = r;
  })
  FAKE_UNARY(session::v1::GetSessionRequest, Session, GetSession, name,
             return FindSession(peers, q.name(), r);)
  FAKE_UNARY(session::v1::ListSessionsRequest, session::v1::ListSessionsResponse, ListSessions,
             page_token, {
               (void)q;
               for (const auto& [_, session] : peers.sessions) *r.add_sessions() = session;
             })
  FAKE_UNARY(session::v1::UpdateSessionRequest, Session, UpdateSession, session().name,
             return FindSession(peers, q.session().name(), r);)
  FAKE_UNARY(session::v1::DeleteSessionRequest, Session, DeleteSession, name,
             return FindSession(peers, q.name(), r);)
  FAKE_UNARY(session::v1::GetTurnRequest, Turn, GetTurn, name,
             return Put(this->fake_.Find(peers.ended, q.name()), r);)
  // The token is the number of turns on the pages before.
  FAKE_UNARY(session::v1::ListTurnsRequest, session::v1::ListTurnsResponse, ListTurns, parent, {
    size_t next = q.page_token().empty() ? 0 : std::stoul(q.page_token());
    while (next < peers.ended.size() && r.turns_size() < q.page_size()) {
      *r.add_turns() = peers.ended[next++];
    }
    if (next < peers.ended.size()) r.set_next_page_token(absl::StrCat(next));
  })

 private:
  FakeHandlers& fake_;
  rpc::Method method_;
};

absl::Status FindMemory(FakePeers& peers, const std::string& name, Memory& out) {
  const auto found = peers.memories.find(name);
  if (found == peers.memories.end()) return NotFound("MEMORY_NOT_FOUND", name);
  out = found->second;
  return absl::OkStatus();
}

class FakeMemoryRecall final : public memory::v1::MemoryRecall::CallbackService {
 public:
  FakeMemoryRecall(FakeHandlers& fake, const rpc::ServerEnvironment& environment)
      : fake_(fake), method_(environment, "fake/MemoryRecall") {}

  FAKE_UNARY(memory::v1::CreateMemoryRequest, Memory, CreateMemory, request_id, {
    r = q.memory();
    r.set_name("memories/m1");
    peers.memories[r.name()] = r;
  })
  FAKE_UNARY(memory::v1::GetMemoryRequest, Memory, GetMemory, name,
             return FindMemory(peers, q.name(), r);)
  FAKE_UNARY(memory::v1::ListMemoriesRequest, memory::v1::ListMemoriesResponse, ListMemories,
             page_token, {
               (void)q;
               for (const auto& [_, memory] : peers.memories) *r.add_memories() = memory;
             })
  FAKE_UNARY(memory::v1::SearchMemoriesRequest, memory::v1::SearchMemoriesResponse, SearchMemories,
             query, {
               (void)q;
               for (const auto& [_, memory] : peers.memories) {
                 *r.add_hits()->mutable_memory() = memory;
                 r.mutable_hits()->rbegin()->set_score(0.5);
               }
             })
  FAKE_UNARY(memory::v1::DeleteMemoryRequest, Memory, DeleteMemory, name,
             return FindMemory(peers, q.name(), r);)

 private:
  FakeHandlers& fake_;
  rpc::Method method_;
};

identity::GrantVerifier VerifierOf(absl::string_view root, absl::string_view audience) {
  return {audience, identity::DeriveGrantKey(root, audience)};
}

}  // namespace

struct FakePeers::Server {
  Server(FakePeers& peers, const host::Environment& e, absl::string_view root)
      : handlers{peers, {}, {}},
        dispatcher_verifier(VerifierOf(root, identity::kDispatcherAudience)),
        session_verifier(VerifierOf(root, identity::kSessionStateAudience)),
        memory_verifier(VerifierOf(root, identity::kMemoryRecallAudience)),
        dispatcher_rpc{e.executor, dispatcher_verifier, e.clock, e.metrics},
        session_rpc{e.executor, session_verifier, e.clock, e.metrics},
        memory_rpc{e.executor, memory_verifier, e.clock, e.metrics},
        dispatcher(handlers, dispatcher_rpc),
        operations(handlers, dispatcher_rpc),
        session(handlers, session_rpc),
        memory(handlers, memory_rpc),
        host(rpc::ServerHost::Start("127.0.0.1:0", {&dispatcher, &operations, &session, &memory})
                 .value()) {}

  FakeHandlers handlers;
  const identity::GrantVerifier dispatcher_verifier;
  const identity::GrantVerifier session_verifier;
  const identity::GrantVerifier memory_verifier;
  const rpc::ServerEnvironment dispatcher_rpc;
  const rpc::ServerEnvironment session_rpc;
  const rpc::ServerEnvironment memory_rpc;
  FakeDispatcher dispatcher;
  FakeOperations operations;
  FakeSessionState session;
  FakeMemoryRecall memory;
  std::unique_ptr<rpc::ServerHost> host;
};

FakePeers::FakePeers(const host::Environment& environment, absl::string_view grant_root)
    : server_(std::make_unique<Server>(*this, environment, grant_root)) {}

FakePeers::~FakePeers() { server_->host->Shutdown(absl::ZeroDuration()); }

const std::string& FakePeers::endpoint() const { return server_->host->endpoint(); }

void FakePeers::WaitForGone(int readers) {
  FakeHandlers& handlers = server_->handlers;
  MutexLock lock(handlers.mutex);
  while (handlers.gone < readers) handlers.changed.Wait(handlers.mutex);
}

}  // namespace penstock::gateway
