#include "services/gateway/gateway_service.h"

#include "libs/base/refusal.h"
#include "libs/rpc/encode.h"
#include "libs/rpc/refuse_call.h"
#include "libs/rpc/server.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "penstock/gateway/v1/memories.grpc.pb.h"
#include "penstock/gateway/v1/sessions.grpc.pb.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/gateway/field_checks.h"
#include "services/gateway/public_turn.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using StreamReactor = grpc::ServerWriteReactor<ByteBuffer>;

template <class Message>
absl::Status Decode(const ByteBuffer& bytes, uint64_t max_bytes, Message& message) {
  const absl::Status size = CheckSize("request", bytes.Length(), max_bytes);
  if (!size.ok()) return size;
  ByteBuffer consumed = bytes;
  if (grpc::SerializationTraits<Message>::Deserialize(&consumed, &message).ok()) return size;
  return FieldInvalid("request", absl::StrCat(bytes.Length(), " bytes"),
                      absl::StrCat("an encoded ", message.GetTypeName(), " with text in UTF-8"));
}

class Events final : public EventSink {
 public:
  explicit Events(rpc::StreamWriter<ByteBuffer>& out) : out_(out) {}

  Awaitable<absl::Status> Write(const chat::v1::TurnEvent& event) override {
    ByteBuffer bytes;
    if (absl::Status encoded = rpc::Encode(event, bytes); !encoded.ok()) co_return encoded;
    co_return co_await out_.Write(bytes);
  }

 private:
  rpc::StreamWriter<ByteBuffer>& out_;
};

// The place of a call that submits a turn, else null.
using Submitting = std::unique_ptr<Backlog::Place>;

// Runs the work of one call. `Work`: Awaitable<absl::Status>(const Caller&, Request).
template <class Request, class Work>
Awaitable<absl::Status> Serve(const GatewayService::Parts& parts, rpc::ServerCall& call,
                              const ByteBuffer& bytes, Work work, Submitting submitting) {
  const auto inside = parts.gate.Enter();
  Request request;
  absl::Status status = inside ? Decode(bytes, parts.max_request_bytes, request) : Gate::Draining();
  if (status.ok()) {
    const EitherStop stop(call.stop_token(), parts.gate.stopping());
    const Caller caller{call.principal(), call.deadline(), call.trace(), stop.token(),
                        submitting.get()};
    status = co_await work(caller, std::move(request));
  }
  if (absl::IsCancelled(status) && !call.stop_token().stop_requested()) status = Gate::Draining();
  parts.refusals.Count(status);
  co_return status;
}

// Asks the core and encodes its answer.
template <class Core, class Request, class Response>
struct Asking {
  Core& core;
  Awaitable<absl::StatusOr<Response>> (Core::*rpc)(const Caller&, Request);
  ByteBuffer& answer;

  Awaitable<absl::Status> operator()(const Caller& caller, Request request) const {
    auto response = co_await (core.*rpc)(caller, std::move(request));
    if (response.ok()) MakePublic(*response);
    co_return response.ok() ? rpc::Encode(*response, answer) : response.status();
  }
};

// Lets the core stream its events.
template <class Core, class Request>
struct Streaming {
  Core& core;
  Awaitable<absl::Status> (Core::*rpc)(const Caller&, Request, EventSink&);
  rpc::StreamWriter<ByteBuffer>& out;

  Awaitable<absl::Status> operator()(const Caller& caller, Request request) const {
    Events events(out);
    co_return co_await (core.*rpc)(caller, std::move(request), events);
  }
};

template <class Core, class Request, class Response>
ServerUnaryReactor* Unary(const GatewayService::Parts& parts, rpc::Method& method,
                          CallbackServerContext* context, const ByteBuffer* in, ByteBuffer* out,
                          Core& core,
                          Awaitable<absl::StatusOr<Response>> (Core::*rpc)(const Caller&, Request),
                          Submitting submitting = nullptr) {
  return rpc::ServeUnary(
      method, context, in, out,
      [&parts, &core, rpc, submitting = std::move(submitting)](
          rpc::ServerCall& call, const ByteBuffer& bytes, ByteBuffer& answer) mutable {
        return Serve<Request>(parts, call, bytes,
                              Asking<Core, Request, Response>{core, rpc, answer},
                              std::move(submitting));
      });
}

template <class Core, class Request>
StreamReactor* Stream(const GatewayService::Parts& parts, rpc::Method& method,
                      CallbackServerContext* context, const ByteBuffer* in, Core& core,
                      Awaitable<absl::Status> (Core::*rpc)(const Caller&, Request, EventSink&),
                      Submitting submitting = nullptr) {
  return rpc::ServeStream<ByteBuffer>(
      method, context, in,
      [&parts, &core, rpc, submitting = std::move(submitting)](
          rpc::ServerCall& call, const ByteBuffer& bytes,
          rpc::StreamWriter<ByteBuffer>& out) mutable {
        return Serve<Request>(parts, call, bytes, Streaming<Core, Request>{core, rpc, out},
                              std::move(submitting));
      });
}

// Null when the gateway is overloaded, and the turn is not urgent.
template <class Request>
Submitting PlaceFor(const GatewayService::Parts& parts, const ByteBuffer& bytes) {
  if (Submitting place = parts.backlog.Enter(/*urgent=*/false)) return place;
  Request request;
  const bool urgent = Decode(bytes, parts.max_request_bytes, request).ok() &&
                      request.turn().urgency() == chat::v1::ACTION;
  return urgent ? parts.backlog.Enter(/*urgent=*/true) : nullptr;
}

template <class Reactor>
Reactor* RefuseOverloaded(const GatewayService::Parts& parts, rpc::Method& method) {
  static const auto& refusal = *new rpc::PreparedRefusal(Backlog::Overloaded());
  parts.refusals.Count(refusal.status);
  return rpc::RefuseCall<Reactor>(method, refusal);
}

template <class Request>
ServerUnaryReactor* SubmitUnary(
    const GatewayService::Parts& parts, rpc::Method& method, CallbackServerContext* context,
    const ByteBuffer* in, ByteBuffer* out,
    Awaitable<absl::StatusOr<chat::v1::Turn>> (TurnsRpc::*rpc)(const Caller&, Request)) {
  Submitting place = PlaceFor<Request>(parts, *in);
  if (place == nullptr) return RefuseOverloaded<ServerUnaryReactor>(parts, method);
  return Unary(parts, method, context, in, out, parts.turns, rpc, std::move(place));
}

}  // namespace

using RawTurns =
    v1::Turns::WithRawCallbackMethod_StreamTurn<v1::Turns::WithRawCallbackMethod_RunTurn<
        v1::Turns::WithRawCallbackMethod_SubmitTurn<v1::Turns::WithRawCallbackMethod_WatchTurn<
            v1::Turns::WithRawCallbackMethod_CancelTurn<v1::Turns::WithRawCallbackMethod_GetTurn<
                v1::Turns::WithRawCallbackMethod_SubmitToolResults<
                    v1::Turns::WithRawCallbackMethod_ListTurns<v1::Turns::Service>>>>>>>>;

class GatewayService::Turns final : public RawTurns {
 public:
  explicit Turns(const Parts& parts) : parts_(parts) {}

  StreamReactor* StreamTurn(CallbackServerContext* context, const ByteBuffer* in) override {
    Submitting place = PlaceFor<v1::StreamTurnRequest>(parts_, *in);
    if (place == nullptr) return RefuseOverloaded<StreamReactor>(parts_, stream_turn_);
    return Stream(parts_, stream_turn_, context, in, parts_.turns, &TurnsRpc::StreamTurn,
                  std::move(place));
  }
  ServerUnaryReactor* RunTurn(CallbackServerContext* context, const ByteBuffer* in,
                              ByteBuffer* out) override {
    return SubmitUnary(parts_, run_turn_, context, in, out, &TurnsRpc::RunTurn);
  }
  ServerUnaryReactor* SubmitTurn(CallbackServerContext* context, const ByteBuffer* in,
                                 ByteBuffer* out) override {
    return SubmitUnary(parts_, submit_turn_, context, in, out, &TurnsRpc::SubmitTurn);
  }
  StreamReactor* WatchTurn(CallbackServerContext* context, const ByteBuffer* in) override {
    return Stream(parts_, watch_turn_, context, in, parts_.turns, &TurnsRpc::WatchTurn);
  }
  ServerUnaryReactor* SubmitToolResults(CallbackServerContext* context, const ByteBuffer* in,
                                        ByteBuffer* out) override {
    return Unary(parts_, submit_tool_results_, context, in, out, parts_.turns,
                 &TurnsRpc::SubmitToolResults);
  }
  ServerUnaryReactor* CancelTurn(CallbackServerContext* context, const ByteBuffer* in,
                                 ByteBuffer* out) override {
    return Unary(parts_, cancel_turn_, context, in, out, parts_.turns, &TurnsRpc::CancelTurn);
  }
  ServerUnaryReactor* GetTurn(CallbackServerContext* context, const ByteBuffer* in,
                              ByteBuffer* out) override {
    return Unary(parts_, get_turn_, context, in, out, parts_.turns, &TurnsRpc::GetTurn);
  }
  ServerUnaryReactor* ListTurns(CallbackServerContext* context, const ByteBuffer* in,
                                ByteBuffer* out) override {
    return Unary(parts_, list_turns_, context, in, out, parts_.turns, &TurnsRpc::ListTurns);
  }

 private:
  const Parts& parts_;
  rpc::Method stream_turn_{parts_.rpc, "Turns/StreamTurn"};
  rpc::Method run_turn_{parts_.rpc, "Turns/RunTurn"};
  rpc::Method submit_turn_{parts_.rpc, "Turns/SubmitTurn"};
  rpc::Method watch_turn_{parts_.rpc, "Turns/WatchTurn"};
  rpc::Method submit_tool_results_{parts_.rpc, "Turns/SubmitToolResults"};
  rpc::Method cancel_turn_{parts_.rpc, "Turns/CancelTurn"};
  rpc::Method get_turn_{parts_.rpc, "Turns/GetTurn"};
  rpc::Method list_turns_{parts_.rpc, "Turns/ListTurns"};
};

using RawSessions = v1::Sessions::WithRawCallbackMethod_CreateSession<
    v1::Sessions::WithRawCallbackMethod_GetSession<v1::Sessions::WithRawCallbackMethod_ListSessions<
        v1::Sessions::WithRawCallbackMethod_UpdateSession<
            v1::Sessions::WithRawCallbackMethod_DeleteSession<v1::Sessions::Service>>>>>;

class GatewayService::Sessions final : public RawSessions {
 public:
  explicit Sessions(const Parts& parts) : parts_(parts) {}

  ServerUnaryReactor* CreateSession(CallbackServerContext* context, const ByteBuffer* in,
                                    ByteBuffer* out) override {
    return Unary(parts_, create_session_, context, in, out, parts_.sessions,
                 &SessionsRpc::CreateSession);
  }
  ServerUnaryReactor* GetSession(CallbackServerContext* context, const ByteBuffer* in,
                                 ByteBuffer* out) override {
    return Unary(parts_, get_session_, context, in, out, parts_.sessions, &SessionsRpc::GetSession);
  }
  ServerUnaryReactor* ListSessions(CallbackServerContext* context, const ByteBuffer* in,
                                   ByteBuffer* out) override {
    return Unary(parts_, list_sessions_, context, in, out, parts_.sessions,
                 &SessionsRpc::ListSessions);
  }
  ServerUnaryReactor* UpdateSession(CallbackServerContext* context, const ByteBuffer* in,
                                    ByteBuffer* out) override {
    return Unary(parts_, update_session_, context, in, out, parts_.sessions,
                 &SessionsRpc::UpdateSession);
  }
  ServerUnaryReactor* DeleteSession(CallbackServerContext* context, const ByteBuffer* in,
                                    ByteBuffer* out) override {
    return Unary(parts_, delete_session_, context, in, out, parts_.sessions,
                 &SessionsRpc::DeleteSession);
  }

 private:
  const Parts& parts_;
  rpc::Method create_session_{parts_.rpc, "Sessions/CreateSession"};
  rpc::Method get_session_{parts_.rpc, "Sessions/GetSession"};
  rpc::Method list_sessions_{parts_.rpc, "Sessions/ListSessions"};
  rpc::Method update_session_{parts_.rpc, "Sessions/UpdateSession"};
  rpc::Method delete_session_{parts_.rpc, "Sessions/DeleteSession"};
};

using RawMemories = v1::Memories::WithRawCallbackMethod_CreateMemory<
    v1::Memories::WithRawCallbackMethod_GetMemory<v1::Memories::WithRawCallbackMethod_ListMemories<
        v1::Memories::WithRawCallbackMethod_SearchMemories<
            v1::Memories::WithRawCallbackMethod_DeleteMemory<v1::Memories::Service>>>>>;

class GatewayService::Memories final : public RawMemories {
 public:
  explicit Memories(const Parts& parts) : parts_(parts) {}

  ServerUnaryReactor* CreateMemory(CallbackServerContext* context, const ByteBuffer* in,
                                   ByteBuffer* out) override {
    return Unary(parts_, create_memory_, context, in, out, parts_.memories,
                 &MemoriesRpc::CreateMemory);
  }
  ServerUnaryReactor* GetMemory(CallbackServerContext* context, const ByteBuffer* in,
                                ByteBuffer* out) override {
    return Unary(parts_, get_memory_, context, in, out, parts_.memories, &MemoriesRpc::GetMemory);
  }
  ServerUnaryReactor* ListMemories(CallbackServerContext* context, const ByteBuffer* in,
                                   ByteBuffer* out) override {
    return Unary(parts_, list_memories_, context, in, out, parts_.memories,
                 &MemoriesRpc::ListMemories);
  }
  ServerUnaryReactor* SearchMemories(CallbackServerContext* context, const ByteBuffer* in,
                                     ByteBuffer* out) override {
    return Unary(parts_, search_memories_, context, in, out, parts_.memories,
                 &MemoriesRpc::SearchMemories);
  }
  ServerUnaryReactor* DeleteMemory(CallbackServerContext* context, const ByteBuffer* in,
                                   ByteBuffer* out) override {
    return Unary(parts_, delete_memory_, context, in, out, parts_.memories,
                 &MemoriesRpc::DeleteMemory);
  }

 private:
  const Parts& parts_;
  rpc::Method create_memory_{parts_.rpc, "Memories/CreateMemory"};
  rpc::Method get_memory_{parts_.rpc, "Memories/GetMemory"};
  rpc::Method list_memories_{parts_.rpc, "Memories/ListMemories"};
  rpc::Method search_memories_{parts_.rpc, "Memories/SearchMemories"};
  rpc::Method delete_memory_{parts_.rpc, "Memories/DeleteMemory"};
};

using RawOperations =
    dispatcher::v1::Operations::WithRawCallbackMethod_GetLoad<dispatcher::v1::Operations::Service>;

class GatewayService::Operations final : public RawOperations {
 public:
  explicit Operations(const Parts& parts) : parts_(parts) {}

  ServerUnaryReactor* GetLoad(CallbackServerContext* context, const ByteBuffer* in,
                              ByteBuffer* out) override {
    return Unary(parts_, get_load_, context, in, out, parts_.operations, &OperationsRpc::GetLoad);
  }

 private:
  const Parts& parts_;
  rpc::Method get_load_{parts_.rpc, "Operations/GetLoad"};
};

GatewayService::GatewayService(const Parts& parts)
    : parts_(parts),
      turns_(std::make_unique<Turns>(parts_)),
      sessions_(std::make_unique<Sessions>(parts_)),
      memories_(std::make_unique<Memories>(parts_)),
      operations_(std::make_unique<Operations>(parts_)) {}

GatewayService::~GatewayService() = default;

std::vector<grpc::Service*> GatewayService::services() const {
  return {turns_.get(), sessions_.get(), memories_.get(), operations_.get()};
}

}  // namespace penstock::gateway
