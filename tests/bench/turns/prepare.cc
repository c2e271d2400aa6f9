#include "tests/bench/turns/prepare.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <grpcpp/client_context.h>

#include "libs/base/mutex.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/memories.grpc.pb.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "tests/bench/turns/load.h"

#include "absl/strings/str_cat.h"

namespace penstock::bench {
namespace {

using gateway::v1::Memories;
using gateway::v1::Turns;

struct Connection {
  std::unique_ptr<Turns::Stub> turns;
  std::unique_ptr<Memories::Stub> memories;
};

// Several threads take users until none is left.
class Filling {
 public:
  Filling(const Workload& workload, const Preparation& preparation)
      : workload_(workload), preparation_(preparation) {
    for (int i = 0; i < preparation.connections; ++i) {
      const auto channel = preparation.gateway.Open();
      connections_.push_back({Turns::NewStub(channel), Memories::NewStub(channel)});
    }
  }

  absl::Status Run() {
    std::vector<std::thread> workers;
    for (int i = 0; i < std::min(preparation_.concurrency, workload_.options().users); ++i) {
      const Connection& connection = connections_[static_cast<size_t>(i) % connections_.size()];
      workers.emplace_back([this, &connection] { Work(connection); });
    }
    for (std::thread& worker : workers) worker.join();
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  void Work(const Connection& connection) {
    for (int user = NextUser(); user >= 0; user = NextUser()) {
      const absl::Status status = FillUser(connection, user);
      if (!status.ok()) Fail(status);
    }
  }

  absl::Status FillUser(const Connection& connection, int user) {
    for (int memory = 0; memory < preparation_.memories; ++memory) {
      PENSTOCK_RETURN_IF_ERROR(CreateMemory(connection, user, memory));
    }
    const int turns = workload_.options().sessions * preparation_.history;
    for (int turn = 0; turn < turns; ++turn) {
      PENSTOCK_RETURN_IF_ERROR(RunTurn(connection, user, turn));
    }
    return absl::OkStatus();
  }

  absl::Status CreateMemory(const Connection& connection, int user, int memory) {
    gateway::v1::CreateMemoryRequest request;
    request.mutable_memory()->set_text(workload_.MemoryOf(user, memory));
    grpc::ClientContext context;
    SetUp(context, user);
    chat::v1::Memory created;
    return rpc::FromGrpc(connection.memories->CreateMemory(&context, request, &created));
  }

  absl::Status RunTurn(const Connection& connection, int user, int turn) {
    const auto number = static_cast<int64_t>(turn) * workload_.options().users + user;
    gateway::v1::RunTurnRequest request;
    request.set_session(workload_.SessionOf(number));
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(workload_.InputOf(number));
    grpc::ClientContext context;
    SetUp(context, user);
    chat::v1::Turn ended;
    PENSTOCK_RETURN_IF_ERROR(rpc::FromGrpc(connection.turns->RunTurn(&context, request, &ended)));
    if (ended.state() == chat::v1::Turn::SUCCEEDED) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(ended.name(), ": ",
                                            chat::v1::Turn::State_Name(ended.state()), ", ",
                                            ended.error().message()));
  }

  void SetUp(grpc::ClientContext& context, int user) const {
    context.AddMetadata("authorization", workload_.Authorization(user));
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }

  // Negative when there is none, or something has failed.
  int NextUser() {
    MutexLock lock(mutex_);
    if (!status_.ok() || next_user_ == workload_.options().users) return -1;
    return next_user_++;
  }

  void Fail(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
  }

  const Workload& workload_;
  const Preparation& preparation_;
  std::vector<Connection> connections_;
  Mutex mutex_;
  int next_user_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<boost::json::object> Prepare(const Workload& workload,
                                            const Preparation& preparation) {
  const auto start = SteadyClock::now();
  PENSTOCK_RETURN_IF_ERROR(Filling(workload, preparation).Run());
  const WorkloadOptions& of = workload.options();
  return boost::json::object{
      {"users", of.users},
      {"sessions_each", of.sessions},
      {"history_turns", preparation.history},
      {"memories_each", preparation.memories},
      {"seconds", std::chrono::duration<double>(SteadyClock::now() - start).count()}};
}

}  // namespace penstock::bench
