// Client and server of this library against each other, over an in-process channel and over a
// socket. The service is session-state's, because its messages are at hand; nothing of
// session-state runs.

#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/async/one_shot.h"
#include "libs/async/timers.h"
#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "libs/rpc/batched_stream.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/client.h"
#include "libs/rpc/idle_pulse.h"
#include "libs/rpc/server.h"
#include "libs/rpc/server_for_test.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/server_stream.h"
#include "penstock/dispatcher/v1/dispatcher.grpc.pb.h"

namespace penstock::rpc {
namespace {

using chat::v1::Turn;

using dispatcher::v1::CancelTurnRequest;
using dispatcher::v1::Dispatcher;
using dispatcher::v1::GetTurnRequest;
using dispatcher::v1::TurnEventBatch;
using dispatcher::v1::WatchTurnRequest;
using testing::HasSubstr;

// The grant bytes are the user's name; none is refused, and "late" has to wait a while.
class NameIsGrant : public identity::Authenticator {
 public:
  explicit NameIsGrant(boost::asio::io_context& io) : io_(io) {}

  // So often will "late" have to wait; then be refused if `never`.
  mutable std::atomic<int> waits = 0;
  std::atomic<bool> never = false;

  absl::StatusOr<identity::Principal> Authenticate(const identity::Credentials& credentials,
                                                   absl::Time now) const override {
    if (credentials.grant.empty()) {
      return Refusal(absl::StatusCode::kUnauthenticated, "GRANT_MISSING", "no grant");
    }
    const std::string user(credentials.grant);
    if (user == "late" && (waits > 0 || never)) {
      return Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", "cannot tell yet");
    }
    return identity::Principal{"t", user, "free", {}, now, "", identity::UserKeyForTest("t", user)};
  }

  bool Await(const identity::Credentials& credentials, const absl::Status& refusal,
             absl::AnyInvocable<void()> again) const override {
    if (credentials.grant != "late" || !absl::IsUnavailable(refusal) || waits == 0) return false;
    --waits;
    boost::asio::post(io_, std::move(again));
    return true;
  }

 private:
  boost::asio::io_context& io_;
};

class TestService : public Dispatcher::CallbackService {
 public:
  explicit TestService(const ServerEnvironment& environment)
      : get_turn_(environment, "Dispatcher/GetTurn"),
        cancel_turn_(environment, "Dispatcher/CancelTurn"),
        watch_turn_(environment, "Dispatcher/WatchTurn") {}

  grpc::ServerUnaryReactor* GetTurn(grpc::CallbackServerContext* context,
                                    const GetTurnRequest* request, Turn* response) override {
    return ServeUnary(get_turn_, context, request, response,
                      [this](auto&... call) { return Get(call...); });
  }
  grpc::ServerUnaryReactor* CancelTurn(grpc::CallbackServerContext* context,
                                       const CancelTurnRequest* request, Turn* response) override {
    return ServeUnary(cancel_turn_, context, request, response,
                      [this](auto&... call) { return WaitForStop(call...); });
  }
  grpc::ServerWriteReactor<TurnEventBatch>* WatchTurn(grpc::CallbackServerContext* context,
                                                      const WatchTurnRequest* request) override {
    return ServeStream<TurnEventBatch>(watch_turn_, context, request,
                                       [this](auto&... call) { return Watch(call...); });
  }

  OneShot<bool> stopped;
  std::promise<void> caller_gone;
  Method get_turn_;
  Method cancel_turn_;
  Method watch_turn_;

 private:
  Awaitable<absl::Status> Get(ServerCall& call, const GetTurnRequest& request, Turn& turn) {
    if (request.name() == "absent") {
      co_return Refusal(absl::StatusCode::kNotFound, "TURN_NOT_FOUND", "turn absent: not found");
    }
    turn.set_name(call.principal().user);
    turn.set_agent(call.trace().trace_id);
    co_return absl::OkStatus();
  }

  Awaitable<absl::Status> WaitForStop(ServerCall& call, const CancelTurnRequest&, Turn&) {
    std::stop_callback on_stop(call.stop_token(), [this] { stopped.Set(true); });
    co_await stopped.Wait();
    co_return absl::CancelledError("stopped");
  }

  // Counts to twice after_index, two numbers a message, or for ever when it is negative.
  Awaitable<absl::Status> Watch(ServerCall&, const WatchTurnRequest& request,
                                StreamWriter<TurnEventBatch>& out) {
    for (int64_t i = 1; request.after_index() < 0 || i <= request.after_index(); ++i) {
      TurnEventBatch batch;
      batch.add_events()->set_index(2 * i - 1);
      batch.add_events()->set_index(2 * i);
      if (const absl::Status written = co_await out.Write(batch); !written.ok()) {
        caller_gone.set_value();
        co_return written;
      }
    }
    if (request.name() == "fails") co_return absl::DataLossError("broken");
    co_return absl::OkStatus();
  }
};

class RpcTest : public testing::TestWithParam<bool> {
 protected:
  RpcTest() : worker_([this] { io_.run(); }) {
    host_ = *ServerHost::Start(GetParam() ? "127.0.0.1:0" : "", {&service_});
    channel_ = GetParam() ? OpenChannel(host_->endpoint()) : host_->InProcessChannel();
    stub_ = Dispatcher::NewStub(channel_);
  }
  ~RpcTest() override {
    host_->Shutdown(absl::ZeroDuration());
    work_.reset();
    worker_.join();
    stub_.reset();
    CloseChannel(std::move(channel_));
  }

  // Runs a coroutine and waits for its result.
  template <class T>
  T Run(Awaitable<T> coroutine) {
    std::promise<T> done;
    Spawn(executor_, [](Awaitable<T> inner, std::promise<T>& out) -> Awaitable<void> {
      out.set_value(co_await std::move(inner));
    }(std::move(coroutine), done));
    return done.get_future().get();
  }

  Awaitable<absl::StatusOr<Turn>> GetTurn(std::string name, CallOptions options) {
    GetTurnRequest request;
    request.set_name(std::move(name));
    return Call(stub_->async(), &Dispatcher::Stub::async::GetTurn, std::move(request),
                std::move(options));
  }

  BatchedStream<TurnEventBatch> WatchTurn(std::string name, int64_t count,
                                          std::string user = "u1") {
    WatchTurnRequest request;
    request.set_name(std::move(name));
    request.set_after_index(count);
    return BatchedStream<TurnEventBatch>(
        ServerStream<TurnEventBatch>::Open(stub_->async(), &Dispatcher::Stub::async::WatchTurn,
                                           std::move(request), As(std::move(user))));
  }

  static CallOptions As(std::string user) {
    CallOptions options;
    options.grant = std::move(user);
    return options;
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  Executor executor_ = InlineExecutor(io_);
  obs::Metrics metrics_;
  NameIsGrant authenticator_{io_};
  ServerEnvironment environment_{executor_, authenticator_, SystemClock(), metrics_};
  TestService service_{environment_};
  std::unique_ptr<ServerHost> host_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Dispatcher::Stub> stub_;
  std::thread worker_;
};

TEST_P(RpcTest, AnswersForTheCallerOfEachCallOnOneConnection) {
  for (const std::string user : {"u1", "u11", "u1"}) {
    const auto turn = Run(GetTurn("t", As(user)));

    ASSERT_TRUE(turn.ok()) << turn.status();
    EXPECT_EQ(turn->name(), user);
  }
}

TEST_P(RpcTest, RefusesACallWithoutCredentialsBeforeItsHandler) {
  const auto turn = Run(GetTurn("t", {}));

  EXPECT_EQ(turn.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(turn.status()), "GRANT_MISSING");
}

TEST_P(RpcTest, WaitsForACallerWhoCannotBeToldYet) {
  for (const int waits : {1, 2}) {
    authenticator_.waits = waits;
    const auto turn = Run(GetTurn("t", As("late")));

    ASSERT_TRUE(turn.ok()) << turn.status();
    EXPECT_EQ(turn->name(), "late");
    EXPECT_EQ(authenticator_.waits, 0);
  }
  authenticator_.waits = 1;
  BatchedStream<TurnEventBatch> stream = WatchTurn("t", 1, "late");
  EXPECT_EQ((*Run(stream.Next()))->index(), 1);
}

TEST_P(RpcTest, RefusesACallerWhoHasWaitedInVain) {
  authenticator_.waits = 2;
  authenticator_.never = true;

  const auto turn = Run(GetTurn("t", As("late")));

  EXPECT_EQ(ReasonOf(turn.status()), "STORE_UNAVAILABLE");
  EXPECT_EQ(authenticator_.waits, 0);
}

TEST_P(RpcTest, CarriesTheDetailsOfARefusal) {
  const auto turn = Run(GetTurn("absent", As("u1")));

  EXPECT_EQ(turn.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(turn.status()), "TURN_NOT_FOUND");
}

TEST_P(RpcTest, CarriesTheTrace) {
  CallOptions options = As("u1");
  options.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  EXPECT_EQ(Run(GetTurn("t", options))->agent(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_P(RpcTest, StopTokenCancelsTheCallOnBothSides) {
  std::stop_source source;
  CallOptions options = As("u1");
  options.stop = source.get_token();
  std::promise<absl::Status> done;
  Spawn(executor_,
        [](Dispatcher::Stub* stub, CallOptions o,
           std::promise<absl::Status>& out) -> Awaitable<void> {
          const auto turn = co_await Call(stub->async(), &Dispatcher::Stub::async::CancelTurn,
                                          CancelTurnRequest(), std::move(o));
          out.set_value(turn.status());
        }(stub_.get(), std::move(options), done));
  while (service_.cancel_turn_.live_calls() == 0) std::this_thread::yield();

  source.request_stop();

  EXPECT_EQ(done.get_future().get().code(), absl::StatusCode::kCancelled);
}

TEST_P(RpcTest, StreamsEveryEventInOrderThenEnds) {
  BatchedStream<TurnEventBatch> stream = WatchTurn("t", 500);
  for (int64_t i = 1; i <= 1000; ++i) {
    const auto event = Run(stream.Next());
    ASSERT_TRUE(event.ok() && event->has_value()) << event.status();
    ASSERT_EQ((*event)->index(), i);
  }

  const auto end = Run(stream.Next());

  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->has_value());
  EXPECT_FALSE(Run(stream.Next())->has_value());
}

TEST_P(RpcTest, StreamEndsWithTheHandlersStatus) {
  BatchedStream<TurnEventBatch> stream = WatchTurn("fails", 1);

  EXPECT_TRUE(Run(stream.Next()).ok());
  EXPECT_TRUE(Run(stream.Next()).ok());
  EXPECT_EQ(Run(stream.Next()).status(), absl::DataLossError("broken"));
}

TEST_P(RpcTest, DroppedStreamStopsItsWriter) {
  {
    BatchedStream<TurnEventBatch> stream = WatchTurn("t", -1);
    ASSERT_TRUE(Run(stream.Next()).ok());
  }

  service_.caller_gone.get_future().wait();
}

TEST_P(RpcTest, CountsCallsByCode) {
  ASSERT_TRUE(Run(GetTurn("t", As("u1"))).ok());
  ASSERT_FALSE(Run(GetTurn("absent", As("u1"))).ok());

  const std::string metrics = metrics_.Render();

  EXPECT_THAT(metrics, HasSubstr("{code=\"OK\",method=\"Dispatcher/GetTurn\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("{code=\"NOT_FOUND\",method=\"Dispatcher/GetTurn\"} 1"));
}

TEST_P(RpcTest, PulseStartsAndStopsBesideCalls) {
  AsioTimers timers(io_);
  IdlePulse pulse(timers, absl::Milliseconds(1));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Run(GetTurn("t", As("u1"))).ok());
}

// With a call open as it stops, again and again; a pulse that let go of its channel on gRPC's
// thread would free twice what that thread still uses.
TEST(IdlePulse, StopsWithACallOpen) {
  boost::asio::io_context io;
  AsioTimers timers(io);
  for (int i = 0; i < 50; ++i) IdlePulse pulse(timers, absl::Milliseconds(1));
}

INSTANTIATE_TEST_SUITE_P(Channels, RpcTest, testing::Bool(), [](const auto& parameter) {
  return parameter.param ? "OverASocket" : "InProcess";
});

TEST(ServerHost, DrainsWithoutACallLost) {
  ServerForTest server;
  const auto channel = OpenChannel(server.endpoint());
  const auto stub = Dispatcher::NewStub(channel);
  std::promise<absl::Status> waiting;
  std::thread caller([&] {
    grpc::ClientContext context;
    PrepareForTest(context);
    Turn turn;
    waiting.set_value(FromGrpc(stub->CancelTurn(&context, CancelTurnRequest(), &turn)));
  });
  while (server.turns().waiting() == 0) std::this_thread::yield();

  std::thread drain([&] { server.Drain(absl::Seconds(20)); });
  // Sooner or later new calls go elsewhere; there is nowhere else here.
  absl::Status last;
  while (last.ok()) last = CallOnce(channel);
  server.turns().Release();
  drain.join();
  caller.join();

  EXPECT_EQ(last.code(), absl::StatusCode::kUnavailable) << last;
  EXPECT_TRUE(waiting.get_future().get().ok());
}

TEST(ServerHost, DrainGivesUpOnACallThatDoesNotEnd) {
  ServerForTest server;
  const auto stub = Dispatcher::NewStub(OpenChannel(server.endpoint()));
  std::promise<absl::Status> waiting;
  std::thread caller([&] {
    grpc::ClientContext context;
    PrepareForTest(context);
    Turn turn;
    waiting.set_value(FromServer(stub->CancelTurn(&context, CancelTurnRequest(), &turn)));
  });
  while (server.turns().waiting() == 0) std::this_thread::yield();

  server.Drain(absl::Milliseconds(50));
  EXPECT_EQ(server.turns().waiting(), 1);

  server.turns().Release();
  caller.join();
  EXPECT_TRUE(waiting.get_future().get().ok());
}

TEST(ServerHost, SaysWhichAddressItCannotBind) {
  Dispatcher::CallbackService one;
  Dispatcher::CallbackService two;
  const auto first = ServerHost::Start("127.0.0.1:0", {&one});
  ASSERT_TRUE(first.ok());

  const auto second = ServerHost::Start((*first)->endpoint(), {&two});

  EXPECT_THAT(second.status().message(), HasSubstr((*first)->endpoint()));
}

}  // namespace
}  // namespace penstock::rpc
