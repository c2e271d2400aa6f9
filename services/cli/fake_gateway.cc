#include "services/cli/fake_gateway.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include "libs/base/refusal.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"

#include "absl/time/time.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;

constexpr char kTurn[] = "sessions/s1/turns/t1";
constexpr auto kPatience = std::chrono::seconds(30);

class Gateway;

class Script final : public TurnScript {
 public:
  Script(Gateway& gateway, grpc::ServerWriter<TurnEvent>& out, int64_t index)
      : gateway_(gateway), out_(out), index_(index) {}

  void Accept() override {
    TurnEvent event;
    event.mutable_accepted()->set_turn(kTurn);
    event.mutable_accepted()->set_session("sessions/s1");
    Send(event);
  }

  void Queue(int64_t position, int seconds) override {
    TurnEvent event;
    event.mutable_queued()->set_position(position);
    event.mutable_queued()->mutable_eta_p50()->set_seconds(seconds);
    Send(event);
  }

  void Say(absl::string_view text) override {
    TurnEvent event;
    event.mutable_delta()->set_kind(chat::v1::Delta::TEXT);
    event.mutable_delta()->set_text(std::string(text));
    Send(event);
  }

  void Restart() override {
    TurnEvent event;
    event.mutable_restarted()->set_keep_through_index(1);
    Send(event);
  }

  void CallTools(int step, const std::vector<chat::v1::ToolCall>& calls) override {
    TurnEvent event;
    event.mutable_tool_calls_requested()->set_step(step);
    event.mutable_tool_calls_requested()->mutable_calls()->Add(calls.begin(), calls.end());
    Send(event);
  }

  void Finish(Turn::State state, absl::string_view answer) override {
    TurnEvent event;
    Turn& turn = *event.mutable_finished()->mutable_turn();
    turn.set_name(kTurn);
    turn.set_state(state);
    turn.set_model("sim/echo");
    turn.mutable_usage()->set_output_tokens(7);
    if (!answer.empty()) {
      turn.add_output()->add_parts()->mutable_text()->set_text(std::string(answer));
    }
    Send(event);
  }

  void Fail(Turn::State state, const absl::Status& error) override {
    TurnEvent event;
    Turn& turn = *event.mutable_finished()->mutable_turn();
    turn.set_name(kTurn);
    turn.set_state(state);
    *turn.mutable_error() = ToRpcStatus(error);
    Send(event);
  }

  std::vector<chat::v1::ToolResult> AwaitResults() override;
  bool AwaitCancel() override;
  void AwaitEnd() override;

 private:
  void Send(TurnEvent& event) {
    event.set_index(++index_);
    out_.Write(event);
  }

  Gateway& gateway_;
  grpc::ServerWriter<TurnEvent>& out_;
  int64_t index_;
};

class Gateway final : public FakeGateway, public gateway::v1::Turns::Service {
 public:
  Gateway() : host_(*rpc::ServerHost::Start("127.0.0.1:0", {this})) { host_->SetServing(true); }

  ~Gateway() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    host_->Shutdown(absl::ZeroDuration());
  }

  const std::string& address() const override { return host_->endpoint(); }
  void SetServing(bool serving) override { host_->SetServing(serving); }

  std::vector<std::string> cancelled() override {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  std::string authorization() override {
    const std::lock_guard lock(mutex_);
    return authorization_;
  }

  bool AwaitCancel() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return !cancelled_.empty(); });
  }

  std::vector<chat::v1::ToolResult> AwaitResults() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [this] { return !results_.empty(); });
    return std::exchange(results_, {});
  }

  void AwaitEnd() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
  }

  grpc::Status StreamTurn(grpc::ServerContext* context,
                          const gateway::v1::StreamTurnRequest* request,
                          grpc::ServerWriter<TurnEvent>* out) override {
    Note(*context);
    Script script(*this, *out, 0);
    return rpc::ToGrpc(on_stream(*request, script));
  }

  grpc::Status WatchTurn(grpc::ServerContext* context, const gateway::v1::WatchTurnRequest* request,
                         grpc::ServerWriter<TurnEvent>* out) override {
    Note(*context);
    Script script(*this, *out, request->after_index());
    return rpc::ToGrpc(on_watch(*request, script));
  }

  grpc::Status RunTurn(grpc::ServerContext* context, const gateway::v1::RunTurnRequest* request,
                       Turn* response) override {
    Note(*context);
    return rpc::ToGrpc(on_run(*request, *response));
  }

  grpc::Status GetTurn(grpc::ServerContext* context, const gateway::v1::GetTurnRequest* request,
                       Turn* response) override {
    Note(*context);
    const auto turn = on_get(request->name());
    if (turn.ok()) *response = *turn;
    return rpc::ToGrpc(turn.status());
  }

  grpc::Status ListTurns(grpc::ServerContext* context, const gateway::v1::ListTurnsRequest* request,
                         gateway::v1::ListTurnsResponse* response) override {
    Note(*context);
    return rpc::ToGrpc(on_list(*request, *response));
  }

  grpc::Status SubmitToolResults(grpc::ServerContext* context,
                                 const gateway::v1::SubmitToolResultsRequest* request,
                                 Turn* response) override {
    Note(*context);
    const absl::Status status = on_results ? on_results(*request) : absl::OkStatus();
    if (!status.ok()) return rpc::ToGrpc(status);
    const std::lock_guard lock(mutex_);
    results_.assign(request->results().begin(), request->results().end());
    response->set_name(request->name());
    response->set_state(Turn::QUEUED);
    changed_.notify_all();
    return grpc::Status::OK;
  }

  grpc::Status CancelTurn(grpc::ServerContext*, const gateway::v1::CancelTurnRequest* request,
                          Turn* response) override {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(request->name());
    response->set_name(request->name());
    changed_.notify_all();
    return grpc::Status::OK;
  }

 private:
  void Note(const grpc::ServerContext& context) {
    const std::lock_guard lock(mutex_);
    const auto found = context.client_metadata().find("authorization");
    authorization_ = found == context.client_metadata().end()
                         ? ""
                         : std::string(found->second.data(), found->second.size());
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::vector<std::string> cancelled_;
  std::vector<chat::v1::ToolResult> results_;
  std::string authorization_;
  std::unique_ptr<rpc::ServerHost> host_;
};

std::vector<chat::v1::ToolResult> Script::AwaitResults() { return gateway_.AwaitResults(); }
bool Script::AwaitCancel() { return gateway_.AwaitCancel(); }
void Script::AwaitEnd() { gateway_.AwaitEnd(); }

}  // namespace

std::unique_ptr<FakeGateway> FakeGateway::Start() { return std::make_unique<Gateway>(); }

}  // namespace penstock::cli
