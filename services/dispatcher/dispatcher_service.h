// The RPCs of dispatcher.v1.Dispatcher: unpack, ask the core, pack. For dispatcher_process.cc only.
#pragma once

#include "libs/rpc/server.h"
#include "penstock/dispatcher/v1/dispatcher.grpc.pb.h"
#include "services/dispatcher/dispatcher_core.h"

namespace penstock::dispatcher {

class DispatcherService final : public v1::Dispatcher::CallbackService {
 public:
  DispatcherService(DispatcherCore& core, const rpc::ServerEnvironment& environment);

  grpc::ServerUnaryReactor* SubmitTurn(grpc::CallbackServerContext* context,
                                       const v1::SubmitTurnRequest* request,
                                       chat::v1::Turn* response) override;
  grpc::ServerWriteReactor<v1::TurnEventBatch>* StreamTurn(
      grpc::CallbackServerContext* context, const v1::StreamTurnRequest* request) override;
  grpc::ServerWriteReactor<v1::TurnEventBatch>* WatchTurn(
      grpc::CallbackServerContext* context, const v1::WatchTurnRequest* request) override;
  grpc::ServerUnaryReactor* CancelTurn(grpc::CallbackServerContext* context,
                                       const v1::CancelTurnRequest* request,
                                       chat::v1::Turn* response) override;
  grpc::ServerUnaryReactor* SubmitToolResults(grpc::CallbackServerContext* context,
                                              const v1::SubmitToolResultsRequest* request,
                                              chat::v1::Turn* response) override;
  grpc::ServerUnaryReactor* GetTurn(grpc::CallbackServerContext* context,
                                    const v1::GetTurnRequest* request,
                                    chat::v1::Turn* response) override;
  grpc::ServerUnaryReactor* ListLiveTurns(grpc::CallbackServerContext* context,
                                          const v1::ListLiveTurnsRequest* request,
                                          v1::ListLiveTurnsResponse* response) override;
  grpc::ServerUnaryReactor* CancelSession(grpc::CallbackServerContext* context,
                                          const v1::CancelSessionRequest* request,
                                          v1::CancelSessionResponse* response) override;
  grpc::ServerUnaryReactor* ForgetSession(grpc::CallbackServerContext* context,
                                          const v1::ForgetSessionRequest* request,
                                          v1::ForgetSessionResponse* response) override;

 private:
  using Events = rpc::StreamWriter<v1::TurnEventBatch>;

  Awaitable<absl::Status> Submit(rpc::ServerCall& call, const v1::SubmitTurnRequest& request,
                                 chat::v1::Turn& turn);
  Awaitable<absl::Status> Stream(rpc::ServerCall& call, const v1::StreamTurnRequest& request,
                                 Events& out);
  Awaitable<absl::Status> Watch(rpc::ServerCall& call, const v1::WatchTurnRequest& request,
                                Events& out);
  Awaitable<absl::Status> Relay(rpc::ServerCall& call, std::string name, int64_t after_index,
                                bool outcome_only, Events& out);
  Awaitable<absl::Status> Cancel(rpc::ServerCall& call, const v1::CancelTurnRequest& request,
                                 chat::v1::Turn& turn);
  Awaitable<absl::Status> ToolResults(rpc::ServerCall& call,
                                      const v1::SubmitToolResultsRequest& request,
                                      chat::v1::Turn& turn);
  Awaitable<absl::Status> Get(rpc::ServerCall& call, const v1::GetTurnRequest& request,
                              chat::v1::Turn& turn);
  Awaitable<absl::Status> ListLive(rpc::ServerCall& call, const v1::ListLiveTurnsRequest& request,
                                   v1::ListLiveTurnsResponse& response);
  Awaitable<absl::Status> CancelAll(rpc::ServerCall& call, const v1::CancelSessionRequest& request,
                                    v1::CancelSessionResponse& response);
  Awaitable<absl::Status> Forget(rpc::ServerCall& call, const v1::ForgetSessionRequest& request,
                                 v1::ForgetSessionResponse& response);

  DispatcherCore& core_;
  rpc::Method submit_turn_;
  rpc::Method stream_turn_;
  rpc::Method watch_turn_;
  rpc::Method cancel_turn_;
  rpc::Method submit_tool_results_;
  rpc::Method get_turn_;
  rpc::Method list_live_turns_;
  rpc::Method cancel_session_;
  rpc::Method forget_session_;
};

}  // namespace penstock::dispatcher
