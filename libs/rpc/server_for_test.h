// A server with RPCs of no consequence, and calls of them. The service is the dispatcher's, because
// its messages are at hand.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <grpcpp/client_context.h>

#include "libs/async/inline_executor.h"
#include "libs/async/one_shot.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "libs/rpc/server.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/status.h"
#include "penstock/dispatcher/v1/dispatcher.grpc.pb.h"

namespace penstock::rpc {

// The grant bytes are the user's name; none is refused.
class NameAsGrant : public identity::Authenticator {
 public:
  absl::StatusOr<identity::Principal> Authenticate(const identity::Credentials& credentials,
                                                   absl::Time now) const override {
    if (credentials.grant.empty()) {
      return Refusal(absl::StatusCode::kUnauthenticated, "GRANT_MISSING", "no grant");
    }
    const std::string user(credentials.grant);
    return identity::Principal{"t", user, "free", {}, now, "", identity::UserKeyForTest("t", user)};
  }
};

// GetTurn answers at once, CancelTurn when Release was called.
class TurnsForTest : public dispatcher::v1::Dispatcher::CallbackService {
 public:
  explicit TurnsForTest(const ServerEnvironment& environment)
      : get_turn_(environment, "Dispatcher/GetTurn"),
        cancel_turn_(environment, "Dispatcher/CancelTurn") {}

  grpc::ServerUnaryReactor* GetTurn(grpc::CallbackServerContext* context,
                                    const dispatcher::v1::GetTurnRequest* request,
                                    chat::v1::Turn* response) override {
    return ServeUnary(
        get_turn_, context, request, response,
        [](ServerCall& call, const auto&, chat::v1::Turn& turn) -> Awaitable<absl::Status> {
          turn.set_name(call.principal().user);
          co_return absl::OkStatus();
        });
  }
  grpc::ServerUnaryReactor* CancelTurn(grpc::CallbackServerContext* context,
                                       const dispatcher::v1::CancelTurnRequest* request,
                                       chat::v1::Turn* response) override {
    return ServeUnary(cancel_turn_, context, request, response,
                      [this](ServerCall&, const auto&, auto&) { return WaitForRelease(); });
  }

  int64_t waiting() const { return cancel_turn_.live_calls(); }
  void Release() {
    MutexLock lock(mutex_);
    released_ = true;
    for (const auto& waiting : waiting_) waiting->Set(true);
  }

 private:
  Awaitable<absl::Status> WaitForRelease() {
    const auto release = std::make_shared<OneShot<bool>>();
    {
      MutexLock lock(mutex_);
      if (released_) release->Set(true);
      waiting_.push_back(release);
    }
    co_await release->Wait();
    co_return absl::OkStatus();
  }

  Method get_turn_;
  Method cancel_turn_;
  Mutex mutex_;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<OneShot<bool>>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Listens until it is destroyed.
class ServerForTest {
 public:
  explicit ServerForTest(const ListenerOptions& options = {}, const PeerPolicy* callers = nullptr,
                         const std::string& endpoint = "127.0.0.1:0")
      : environment_{InlineExecutor(io_), authenticator_, SystemClock(), metrics_, callers},
        worker_([this] { io_.run(); }) {
    ListenerOptions counted = options;
    counted.metrics = &metrics_;
    host_ = *ServerHost::Start(endpoint, {&turns_}, counted);
  }
  ~ServerForTest() {
    turns_.Release();
    host_->Shutdown(absl::ZeroDuration());
    work_.reset();
    worker_.join();
  }

  void Drain(absl::Duration patience) { host_->Drain(*environment_.calls, patience); }

  const std::string& endpoint() const { return host_->endpoint(); }
  TurnsForTest& turns() { return turns_; }
  const obs::Metrics& metrics() const { return metrics_; }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  obs::Metrics metrics_;
  NameAsGrant authenticator_;
  ServerEnvironment environment_;
  TurnsForTest turns_{environment_};
  std::unique_ptr<ServerHost> host_;
  std::thread worker_;
};

inline void PrepareForTest(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context.AddMetadata("penstock-grant-bin", "u");
}

// GetTurn as user "u".
inline absl::Status CallOnce(const std::shared_ptr<grpc::Channel>& channel,
                             const std::string& name = "t") {
  grpc::ClientContext context;
  PrepareForTest(context);
  dispatcher::v1::GetTurnRequest request;
  request.set_name(name);
  chat::v1::Turn turn;
  return FromGrpc(dispatcher::v1::Dispatcher::NewStub(channel)->GetTurn(&context, request, &turn));
}

// The value of a metric, labels included in `name`; -1 when it is not there.
inline double MetricForTest(const obs::Metrics& metrics, const std::string& name) {
  const std::string text = "\n" + metrics.Render();
  const size_t found = text.find("\n" + name + " ");
  return found == std::string::npos ? -1 : std::stod(text.substr(found + name.size() + 2));
}

}  // namespace penstock::rpc
