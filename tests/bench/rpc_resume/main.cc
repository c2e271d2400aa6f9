// Where should a coroutine go on after an RPC: on gRPC's callback thread (inline), or posted to an
// io_context? One turn is five unary RPCs, one after the other. Figures: libs/rpc/README.md.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include "libs/async/awaitable.h"
#include "libs/async/inline_executor.h"
#include "libs/base/mutex.h"
#include "penstock/session/v1/session_state.grpc.pb.h"

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"

ABSL_FLAG(int, rounds, 3, "how often everything is measured");
ABSL_FLAG(int, turns, 10'000, "turns of one measurement");

namespace penstock::bench {
namespace {

using chat::v1::Session;
using session::v1::SessionState;
using SteadyClock = std::chrono::steady_clock;

enum class Resume { kInline, kPosted };
enum class Transport { kInProcess, kTcp };

constexpr int kCallsOfATurn = 5;
constexpr size_t kPayloadBytes = 1024;
constexpr int kThreads = 2;

// Answers what it was asked, from a coroutine like those of libs/rpc.
class EchoService : public SessionState::CallbackService {
 public:
  explicit EchoService(Executor executor) : executor_(std::move(executor)) {}

  grpc::ServerUnaryReactor* CreateSession(grpc::CallbackServerContext* context,
                                          const session::v1::CreateSessionRequest* request,
                                          Session* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    Spawn(executor_, Answer(*request, *response, *reactor));
    return reactor;
  }

 private:
  static Awaitable<void> Answer(const session::v1::CreateSessionRequest& request, Session& response,
                                grpc::ServerUnaryReactor& reactor) {
    response = request.session();
    reactor.Finish(grpc::Status::OK);
    co_return;
  }

  const Executor executor_;
};

// As rpc::Call, with the choice that it has made left open.
Awaitable<grpc::Status> Call(SessionState::Stub& stub, Resume resume,
                             session::v1::CreateSessionRequest request) {
  grpc::ClientContext context;
  Session response;
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                 void(grpc::Status)>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        stub.async()->CreateSession(
            &context, &request, &response, [shared, resume](grpc::Status status) {
              if (resume == Resume::kInline) return std::move(*shared)(std::move(status));
              const auto executor = boost::asio::get_associated_executor(*shared);
              boost::asio::post(executor, [shared, status = std::move(status)]() mutable {
                std::move (*shared)(std::move(status));
              });
            });
      },
      boost::asio::use_awaitable);
}

// Five servers and a channel to each, in this process.
class Mesh {
 public:
  Mesh(const Executor& executor, Transport transport) {
    for (int i = 0; i < kCallsOfATurn; ++i) {
      services_.push_back(std::make_unique<EchoService>(executor));
      grpc::ServerBuilder builder;
      builder.RegisterService(services_.back().get());
      int port = 0;
      if (transport == Transport::kTcp) {
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
      }
      servers_.push_back(builder.BuildAndStart());
      stubs_.push_back(SessionState::NewStub(
          transport == Transport::kTcp ? grpc::CreateChannel(absl::StrCat("127.0.0.1:", port),
                                                             grpc::InsecureChannelCredentials())
                                       : servers_.back()->InProcessChannel({})));
    }
  }
  ~Mesh() {
    for (const auto& server : servers_) server->Shutdown();
  }

  const std::vector<std::unique_ptr<SessionState::Stub>>& stubs() const { return stubs_; }

 private:
  std::vector<std::unique_ptr<EchoService>> services_;
  std::vector<std::unique_ptr<grpc::Server>> servers_;
  std::vector<std::unique_ptr<SessionState::Stub>> stubs_;
};

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Callers that run turns until enough have been.
class Callers {
 public:
  Callers(const Mesh& mesh, Resume resume, int callers, int turns)
      : mesh_(mesh), resume_(resume), left_(turns), running_(callers) {}

  // Sorted latencies in µs.
  std::vector<double> Run(const Executor& executor) {
    const int callers = running_;
    for (int i = 0; i < callers; ++i) Spawn(executor, Turns(*this));
    done_.get_future().wait();
    MutexLock lock(mutex_);
    std::sort(latencies_.begin(), latencies_.end());
    return latencies_;
  }

 private:
  static Awaitable<void> Turns(Callers& self) {
    session::v1::CreateSessionRequest request;
    request.mutable_session()->set_display_name(std::string(kPayloadBytes, 'x'));
    std::vector<double> mine;
    while (self.left_.fetch_sub(1) > 0) {
      const auto start = SteadyClock::now();
      for (const auto& stub : self.mesh_.stubs()) {
        const grpc::Status status = co_await Call(*stub, self.resume_, request);
        if (!status.ok()) std::abort();
      }
      mine.push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
    }
    {
      MutexLock lock(self.mutex_);
      self.latencies_.insert(self.latencies_.end(), mine.begin(), mine.end());
    }
    if (self.running_.fetch_sub(1) == 1) self.done_.set_value();
  }

  const Mesh& mesh_;
  const Resume resume_;
  std::atomic<int> left_;
  std::atomic<int> running_;
  std::promise<void> done_;
  Mutex mutex_;
  std::vector<double> latencies_ ABSL_GUARDED_BY(mutex_);
};

void Measure(Transport transport, int callers, Resume resume, int turns) {
  boost::asio::io_context io(kThreads);
  auto work = boost::asio::make_work_guard(io);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&io] { io.run(); });
  const Executor executor =
      resume == Resume::kPosted ? Executor(io.get_executor()) : Executor(InlineExecutor(io));
  {
    const Mesh mesh(executor, transport);
    const double cpu = CpuSeconds();
    const auto start = SteadyClock::now();
    const std::vector<double> latencies = Callers(mesh, resume, callers, turns).Run(executor);
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    std::printf(
        "%-10s %2d callers, %-6s: %6.0f us CPU a turn, p50 %6.0f us, p99 %6.0f us, %6.0f turns/s\n",
        transport == Transport::kTcp ? "TCP" : "in-process", callers,
        resume == Resume::kPosted ? "posted" : "inline", (CpuSeconds() - cpu) * 1e6 / turns,
        latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100], turns / seconds);
    std::fflush(stdout);
  }
  work.reset();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  using penstock::bench::Resume;
  using penstock::bench::Transport;
  absl::ParseCommandLine(argc, argv);
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (const Transport transport : {Transport::kInProcess, Transport::kTcp}) {
      for (const int callers : {1, 10, 64}) {
        for (const Resume resume : {Resume::kInline, Resume::kPosted}) {
          penstock::bench::Measure(transport, callers, resume, absl::GetFlag(FLAGS_turns));
        }
      }
    }
  }
}
