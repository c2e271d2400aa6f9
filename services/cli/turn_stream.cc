#include "services/cli/turn_stream.h"

#include <set>
#include <string>
#include <thread>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/base/mutex.h"
#include "libs/base/refusal.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"

namespace penstock::cli {
namespace {

using chat::v1::TurnEvent;
using gateway::v1::Turns;
using EventReader = std::unique_ptr<grpc::ClientReader<TurnEvent>>;

constexpr int kMaxResumptions = 20;
constexpr auto kBeforeResumption = std::chrono::milliseconds(250);

// The call broke, not the turn.
bool CanResume(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || ReasonOf(status) == "SLOW_READER";
}

class GatewayTurnStream final : public TurnStream {
 public:
  GatewayTurnStream(const Connection& connection, Happenings& happenings)
      : connection_(connection), happenings_(happenings), stub_(connection.channel()) {}

  void StartRun(const gateway::v1::StreamTurnRequest& request) {
    reader_ = std::thread([this, request] {
      ReadAll([&](grpc::ClientContext* context) { return stub_.StreamTurn(context, request); });
    });
  }

  void StartWatch(const gateway::v1::WatchTurnRequest& request) {
    SetName(request.name());
    last_index_ = request.after_index();
    reader_ = std::thread(
        [this] { ReadAll([this](grpc::ClientContext* context) { return Resume(context); }); });
  }

  ~GatewayTurnStream() override {
    Leave();
    reader_.join();
    if (canceller_.joinable()) canceller_.join();
    if (submitter_.joinable()) submitter_.join();
  }

  void CancelTurn() override {
    const std::string name = Name();
    if (name.empty()) return Leave();
    if (canceller_.joinable()) return;
    connection_.Prepare(cancel_context_, Connection::kUsualPatience);
    canceller_ = std::thread([this, name] { AskToCancel(name); });
  }

  void SubmitToolResults(const ToolsRan& ran) override {
    gateway::v1::SubmitToolResultsRequest request;
    request.set_name(Name());
    request.set_request_id(ran.request_id);
    request.mutable_results()->Add(ran.results.begin(), ran.results.end());
    if (submitter_.joinable()) submitter_.join();
    submitter_ = std::thread([this, request] { Submit(request); });
  }

  void Leave() override {
    const MutexLock lock(mutex_);
    left_ = true;
    for (grpc::ClientContext* context : open_) context->TryCancel();
    cancel_context_.TryCancel();
  }

 private:
  void Submit(const gateway::v1::SubmitToolResultsRequest& request) {
    absl::Status status = SubmitOnce(request);
    for (int left = kMaxResumptions; left > 0 && CanResume(status); --left) {
      std::this_thread::sleep_for(kBeforeResumption);
      status = SubmitOnce(request);
    }
    happenings_.Put(ResultsAnswered{status});
  }

  absl::Status SubmitOnce(const gateway::v1::SubmitToolResultsRequest& request) {
    grpc::ClientContext context;
    connection_.Prepare(context, Connection::kUsualPatience);
    if (!Enter(context)) return absl::CancelledError("left");
    chat::v1::Turn turn;
    const grpc::Status status = stub_.SubmitToolResults(&context, request, &turn);
    Exit(context);
    return rpc::FromGrpc(status);
  }

  void AskToCancel(const std::string& name) {
    gateway::v1::CancelTurnRequest request;
    request.set_name(name);
    chat::v1::Turn turn;
    const grpc::Status status = stub_.CancelTurn(&cancel_context_, request, &turn);
    happenings_.Put(CancelAnswered{rpc::FromGrpc(status)});
  }

  void ReadAll(const std::function<EventReader(grpc::ClientContext*)>& open) {
    absl::Status status = Read(open);
    for (int left = kMaxResumptions; left > 0 && CanResume(status) && !Name().empty(); --left) {
      happenings_.Put(ConnectionLost{});
      std::this_thread::sleep_for(kBeforeResumption);
      status = Read([this](grpc::ClientContext* context) { return Resume(context); });
    }
    happenings_.Put(StreamEnded{status});
  }

  absl::Status Read(const std::function<EventReader(grpc::ClientContext*)>& open) {
    grpc::ClientContext context;
    connection_.Prepare(context);
    if (!Enter(context)) return absl::CancelledError("left");
    const EventReader events = open(&context);
    TurnEvent event;
    while (events->Read(&event)) {
      Note(event);
      happenings_.Put(event);
    }
    const grpc::Status status = events->Finish();
    Exit(context);
    return rpc::FromGrpc(status);
  }

  EventReader Resume(grpc::ClientContext* context) {
    gateway::v1::WatchTurnRequest request;
    request.set_name(Name());
    request.set_after_index(last_index_);
    return stub_.WatchTurn(context, request);
  }

  // False when the caller has left.
  bool Enter(grpc::ClientContext& context) {
    const MutexLock lock(mutex_);
    if (!left_) open_.insert(&context);
    return !left_;
  }

  void Exit(grpc::ClientContext& context) {
    const MutexLock lock(mutex_);
    open_.erase(&context);
  }

  void Note(const TurnEvent& event) {
    last_index_ = event.index();
    if (event.has_accepted()) SetName(event.accepted().turn());
  }

  void SetName(const std::string& name) {
    const MutexLock lock(mutex_);
    name_ = name;
  }

  std::string Name() {
    const MutexLock lock(mutex_);
    return name_;
  }

  const Connection connection_;
  Happenings& happenings_;
  Turns::Stub stub_;
  grpc::ClientContext cancel_context_;
  // Of the reader's thread.
  int64_t last_index_ = 0;
  Mutex mutex_;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  // The call that is being read, and the one that submits results.
  std::set<grpc::ClientContext*> open_ ABSL_GUARDED_BY(mutex_);
  std::string name_ ABSL_GUARDED_BY(mutex_);
  std::thread canceller_;
  std::thread submitter_;
  std::thread reader_;
};

}  // namespace

std::unique_ptr<TurnStream> TurnStream::Run(const Connection& connection,
                                            const gateway::v1::StreamTurnRequest& request,
                                            Happenings& happenings) {
  auto stream = std::make_unique<GatewayTurnStream>(connection, happenings);
  stream->StartRun(request);
  return stream;
}

std::unique_ptr<TurnStream> TurnStream::Watch(const Connection& connection,
                                              const gateway::v1::WatchTurnRequest& request,
                                              Happenings& happenings) {
  auto stream = std::make_unique<GatewayTurnStream>(connection, happenings);
  stream->StartWatch(request);
  return stream;
}

}  // namespace penstock::cli
