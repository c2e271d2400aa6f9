#include "libs/rpc/idle_pulse.h"

#include <atomic>
#include <string>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include "libs/base/mutex.h"

#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

// Ends every call at once.
class Answerer : public grpc::CallbackGenericService {
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor() { Finish(grpc::Status::OK); }
    void OnDone() override { delete this; }
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor;
  }
};

std::string SocketName() {
  static std::atomic<int> next{0};
  return absl::StrCat("unix-abstract:penstock-pulse-", getpid(), "-", next++);
}

}  // namespace

class IdlePulse::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(Timers& timers, absl::Duration interval) : timers_(timers), interval_(interval) {
    const std::string socket = SocketName();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(socket, grpc::InsecureServerCredentials());
    builder.RegisterCallbackGenericService(&answerer_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(socket, grpc::InsecureChannelCredentials());
    stub_ = std::make_unique<grpc::GenericStub>(channel_);
  }

  void Beat() {
    {
      MutexLock lock(mutex_);
      if (stopped_) return;
      ++calls_;
      timer_ = timers_.After(interval_, [self = weak_from_this()] {
        if (const auto loop = self.lock()) loop->Beat();
      });
    }
    auto call = std::make_shared<PulseCall>(*this);
    stub_->UnaryCall(&call->context, "/penstock.Pulse/Beat", {}, &call->request, &call->response,
                     [call](const grpc::Status&) {});
  }

  // Waits for the last call: it holds the channel, and a channel whose last holder lets go on one
  // of gRPC's callback threads has that thread join itself and free its completion queue twice.
  void Stop() {
    std::unique_ptr<Timer> last;
    {
      MutexLock lock(mutex_);
      stopped_ = true;
      last = std::move(timer_);
    }
    last.reset();
    server_->Shutdown();
    MutexLock lock(mutex_);
    while (calls_ > 0) ended_.Wait(mutex_);
  }

 private:
  // Destroyed last of a call's parts, when nothing of the call holds the channel any more.
  class Ending {
   public:
    explicit Ending(Loop& loop) : loop_(loop) {}
    ~Ending() {
      MutexLock lock(loop_.mutex_);
      --loop_.calls_;
      loop_.ended_.NotifyAll();
    }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

   private:
    Loop& loop_;
  };

  struct PulseCall {
    explicit PulseCall(Loop& loop) : ending(loop) {}

    Ending ending;
    grpc::ClientContext context;
    grpc::Slice byte{"."};
    grpc::ByteBuffer request{&byte, 1};
    grpc::ByteBuffer response;
  };

  Timers& timers_;
  const absl::Duration interval_;
  Answerer answerer_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
  Mutex mutex_;
  CondVar ended_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Timer> timer_ ABSL_GUARDED_BY(mutex_);
};

IdlePulse::IdlePulse(Timers& timers, absl::Duration interval)
    : loop_(std::make_shared<Loop>(timers, interval)) {
  loop_->Beat();
}

IdlePulse::~IdlePulse() { loop_->Stop(); }

}  // namespace penstock::rpc
