#include "services/dispatcher/dispatcher_service.h"

#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"

namespace penstock::dispatcher {

using chat::v1::Turn;
using chat::v1::TurnEvent;

namespace {

// With more it goes in several messages, each far below rpc::kMaxMessageBytes.
constexpr size_t kMaxBatchBytes = 256 << 10;

}  // namespace

DispatcherService::DispatcherService(DispatcherCore& core,
                                     const rpc::ServerEnvironment& environment)
    : core_(core),
      submit_turn_(environment, "Dispatcher/SubmitTurn"),
      stream_turn_(environment, "Dispatcher/StreamTurn"),
      watch_turn_(environment, "Dispatcher/WatchTurn"),
      cancel_turn_(environment, "Dispatcher/CancelTurn"),
      submit_tool_results_(environment, "Dispatcher/SubmitToolResults"),
      get_turn_(environment, "Dispatcher/GetTurn"),
      list_live_turns_(environment, "Dispatcher/ListLiveTurns"),
      cancel_session_(environment, "Dispatcher/CancelSession"),
      forget_session_(environment, "Dispatcher/ForgetSession") {}

grpc::ServerUnaryReactor* DispatcherService::SubmitTurn(grpc::CallbackServerContext* context,
                                                        const v1::SubmitTurnRequest* request,
                                                        Turn* response) {
  return rpc::ServeUnary(submit_turn_, context, request, response,
                         [this](auto&... call) { return Submit(call...); });
}

grpc::ServerWriteReactor<v1::TurnEventBatch>* DispatcherService::StreamTurn(
    grpc::CallbackServerContext* context, const v1::StreamTurnRequest* request) {
  return rpc::ServeStream<v1::TurnEventBatch>(stream_turn_, context, request,
                                              [this](auto&... call) { return Stream(call...); });
}

grpc::ServerWriteReactor<v1::TurnEventBatch>* DispatcherService::WatchTurn(
    grpc::CallbackServerContext* context, const v1::WatchTurnRequest* request) {
  return rpc::ServeStream<v1::TurnEventBatch>(watch_turn_, context, request,
                                              [this](auto&... call) { return Watch(call...); });
}

grpc::ServerUnaryReactor* DispatcherService::CancelTurn(grpc::CallbackServerContext* context,
                                                        const v1::CancelTurnRequest* request,
                                                        Turn* response) {
  return rpc::ServeUnary(cancel_turn_, context, request, response,
                         [this](auto&... call) { return Cancel(call...); });
}

grpc::ServerUnaryReactor* DispatcherService::SubmitToolResults(
    grpc::CallbackServerContext* context, const v1::SubmitToolResultsRequest* request,
    Turn* response) {
  return rpc::ServeUnary(submit_tool_results_, context, request, response,
                         [this](auto&... call) { return ToolResults(call...); });
}

grpc::ServerUnaryReactor* DispatcherService::GetTurn(grpc::CallbackServerContext* context,
                                                     const v1::GetTurnRequest* request,
                                                     Turn* response) {
  return rpc::ServeUnary(get_turn_, context, request, response,
                         [this](auto&... call) { return Get(call...); });
}

grpc::ServerUnaryReactor* DispatcherService::ListLiveTurns(grpc::CallbackServerContext* context,
                                                           const v1::ListLiveTurnsRequest* request,
                                                           v1::ListLiveTurnsResponse* response) {
  return rpc::ServeUnary(list_live_turns_, context, request, response,
                         [this](auto&... call) { return ListLive(call...); });
}

grpc::ServerUnaryReactor* DispatcherService::CancelSession(grpc::CallbackServerContext* context,
                                                           const v1::CancelSessionRequest* request,
                                                           v1::CancelSessionResponse* response) {
  return rpc::ServeUnary(cancel_session_, context, request, response,
                         [this](auto&... call) { return CancelAll(call...); });
}

grpc::ServerUnaryReactor* DispatcherService::ForgetSession(grpc::CallbackServerContext* context,
                                                           const v1::ForgetSessionRequest* request,
                                                           v1::ForgetSessionResponse* response) {
  return rpc::ServeUnary(forget_session_, context, request, response,
                         [this](auto&... call) { return Forget(call...); });
}

Awaitable<absl::Status> DispatcherService::Submit(rpc::ServerCall& call,
                                                  const v1::SubmitTurnRequest& request,
                                                  Turn& turn) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const Submission submission,
      co_await core_.Submit(call.principal(), request, obs::ToTraceparent(call.trace()),
                            /*watched=*/false));
  PENSTOCK_FAILPOINT("dispatcher.before_submit_reply");
  PENSTOCK_CO_ASSIGN_OR_RETURN(turn, co_await core_.Get(call.principal(), submission.turn_name));
  co_return absl::OkStatus();
}

Awaitable<absl::Status> DispatcherService::Stream(rpc::ServerCall& call,
                                                  const v1::StreamTurnRequest& request,
                                                  Events& out) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const Submission submission,
      co_await core_.Submit(call.principal(), request.submit(), obs::ToTraceparent(call.trace()),
                            /*watched=*/true));
  co_return co_await Relay(call, submission.turn_name, 0, request.outcome_only(), out);
}

Awaitable<absl::Status> DispatcherService::Watch(rpc::ServerCall& call,
                                                 const v1::WatchTurnRequest& request, Events& out) {
  return Relay(call, request.name(), request.after_index(), request.outcome_only(), out);
}

Awaitable<absl::Status> DispatcherService::Relay(rpc::ServerCall& call, std::string name,
                                                 int64_t after_index, bool outcome_only,
                                                 Events& out) {
  const OpenStream counted = core_.CountStream();
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      TurnEvents events,
      co_await core_.Watch(call.principal(), std::move(name), after_index, outcome_only));
  while (true) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(EventBatch ready, co_await events.Next(call.stop_token()));
    v1::TurnEventBatch batch;
    size_t bytes = 0;
    for (TurnEvent& event : ready.events) {
      bytes += event.ByteSizeLong();
      if (bytes > kMaxBatchBytes && batch.events_size() > 0) {
        PENSTOCK_CO_RETURN_IF_ERROR(co_await out.Write(batch));
        batch.clear_events();
        bytes = event.ByteSizeLong();
      }
      *batch.add_events() = std::move(event);
    }
    if (batch.events_size() > 0) PENSTOCK_CO_RETURN_IF_ERROR(co_await out.Write(batch));
    if (ready.end) co_return absl::OkStatus();
  }
}

Awaitable<absl::Status> DispatcherService::Cancel(rpc::ServerCall& call,
                                                  const v1::CancelTurnRequest& request,
                                                  Turn& turn) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(turn, co_await core_.Cancel(call.principal(), request));
  PENSTOCK_FAILPOINT("dispatcher.before_cancel_reply");
  co_return absl::OkStatus();
}

Awaitable<absl::Status> DispatcherService::ToolResults(rpc::ServerCall& call,
                                                       const v1::SubmitToolResultsRequest& request,
                                                       Turn& turn) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      turn, co_await core_.SubmitToolResults(call.principal(), request, call.stop_token()));
  co_return absl::OkStatus();
}

Awaitable<absl::Status> DispatcherService::Get(rpc::ServerCall& call,
                                               const v1::GetTurnRequest& request, Turn& turn) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(turn, core_.GetLive(call.principal(), request.name()));
  co_return absl::OkStatus();
}

Awaitable<absl::Status> DispatcherService::ListLive(rpc::ServerCall& call,
                                                    const v1::ListLiveTurnsRequest& request,
                                                    v1::ListLiveTurnsResponse& response) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto turns, core_.ListLive(call.principal(), request.parent()));
  for (Turn& turn : turns) *response.add_turns() = std::move(turn);
  co_return absl::OkStatus();
}

Awaitable<absl::Status> DispatcherService::CancelAll(rpc::ServerCall& call,
                                                     const v1::CancelSessionRequest& request,
                                                     v1::CancelSessionResponse&) {
  return core_.CancelSession(call.principal(), request.session());
}

Awaitable<absl::Status> DispatcherService::Forget(rpc::ServerCall& call,
                                                  const v1::ForgetSessionRequest& request,
                                                  v1::ForgetSessionResponse&) {
  co_return core_.ForgetSession(call.principal(), request.session());
}

}  // namespace penstock::dispatcher
