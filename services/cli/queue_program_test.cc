// `penstock queue top` as it is run: what it prints on pipes and on a terminal, and how it ends.

#include <algorithm>
#include <functional>
#include <mutex>

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/server_context.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/status.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "services/cli/child_process.h"

namespace penstock::cli {
namespace {

using dispatcher::v1::Load;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Answers the n-th call, from 1 on, with what `answer` says.
class FakeOperations final : public dispatcher::v1::Operations::Service {
 public:
  grpc::Status GetLoad(grpc::ServerContext*, const dispatcher::v1::GetLoadRequest*,
                       Load* response) override {
    const std::lock_guard lock(mutex_);
    const absl::StatusOr<Load> load = answer(++calls_);
    if (load.ok()) *response = *load;
    return rpc::ToGrpc(load.status());
  }

  std::function<absl::StatusOr<Load>(int)> answer;

 private:
  std::mutex mutex_;
  int calls_ = 0;
};

class QueueProgram : public testing::Test {
 protected:
  ~QueueProgram() override { host_->Shutdown(absl::ZeroDuration()); }

  std::unique_ptr<ChildProcess> Start(
      std::vector<std::string> arguments,
      ChildProcess::Console console = ChildProcess::Console::kPipes) {
    arguments.insert(arguments.begin(), {PENSTOCK_COMMAND, "queue", "top"});
    return std::make_unique<ChildProcess>(
        arguments, std::vector<std::string>{"PENSTOCK_ADDRESS=" + host_->endpoint(), "TERM=xterm"},
        console);
  }
  std::unique_ptr<ChildProcess> StartOnTerminal() {
    return Start({"--interval", "100ms"}, ChildProcess::Console::kTerminal);
  }

  static Load LoadWith(int64_t waiting) {
    Load load;
    load.mutable_time()->set_seconds(1'800'000'000);
    auto* pool = load.add_pools();
    pool->set_name("sim/echo");
    pool->set_rate_factor(1);
    pool->set_waiting(waiting);
    pool->add_classes()->set_turn_class(chat::v1::CLASS_PAID);
    pool->mutable_classes(0)->set_waiting(waiting);
    return load;
  }

  FakeOperations operations_;
  std::unique_ptr<rpc::ServerHost> host_ = *rpc::ServerHost::Start("127.0.0.1:0", {&operations_});
};

TEST_F(QueueProgram, OnceIsTextOrAnObject) {
  operations_.answer = [](int) { return LoadWith(28); };

  const auto text = Start({"--once"});
  const auto json = Start({"--once", "--output", "json"});

  EXPECT_EQ(text->Wait(), 0);
  EXPECT_THAT(text->out(), StartsWith("2027-01-15 08:00:00 UTC  1 pool, 28 waiting, 0 in flight\n"
                                      "\nsim/echo  28 waiting, "));
  EXPECT_EQ(json->Wait(), 0);
  EXPECT_EQ(std::count(json->out().begin(), json->out().end(), '\n'), 1);
  Load read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json->out(), &read).ok()) << json->out();
  EXPECT_EQ(read.SerializeAsString(), LoadWith(28).SerializeAsString());
}

TEST_F(QueueProgram, SaysHowToGetTheScope) {
  operations_.answer = [](int) -> absl::StatusOr<Load> {
    return Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING", "needs scope operator")
        .With("scope", "operator");
  };

  for (const auto console : {ChildProcess::Console::kPipes, ChildProcess::Console::kTerminal}) {
    const auto top = Start({}, console);

    EXPECT_EQ(top->Wait(), 1);
    EXPECT_THAT(top->out() + top->error(),
                HasSubstr("what to do: use a token with it: `penstock token mint ... --scope "
                          "operator`"));
    EXPECT_THAT(top->out(), Not(HasSubstr("\x1b")));
  }
}

TEST_F(QueueProgram, PrintsOneBelowTheOtherAndOutlivesARestartOfTheGateway) {
  operations_.answer = [](int call) -> absl::StatusOr<Load> {
    if (call == 2) return absl::UnavailableError("restarting");
    return LoadWith(call);
  };

  const auto top = Start({"--interval", "100ms"});

  top->Await("1 pool, 1 waiting");
  top->Await("1 pool, 3 waiting");
  top->Await("1 pool, 4 waiting");
  top->Interrupt();
  EXPECT_EQ(top->Wait(), -1);
  EXPECT_THAT(top->error(), StartsWith("penstock: restarting (UNAVAILABLE)\n"));
  EXPECT_THAT(top->out(), Not(HasSubstr("\x1b")));
}

TEST_F(QueueProgram, ATerminalShowsTheNewestUntilQ) {
  operations_.answer = [](int call) { return LoadWith(call); };

  const auto top = StartOnTerminal();
  top->Await("\x1b[?1049h");
  top->Await("1 pool, 1 waiting");
  top->Await("\x1b[H");
  top->Await("1 pool, 2 waiting");
  top->Write("xq");

  EXPECT_EQ(top->Wait(), 0);
  EXPECT_THAT(top->out(), EndsWith("\x1b[?25h\x1b[?1049l"));
}

TEST_F(QueueProgram, CtrlCLeavesTheTerminalAsItWas) {
  operations_.answer = [](int call) { return LoadWith(call); };

  const auto top = StartOnTerminal();
  top->Await("1 pool, 2 waiting");
  top->Write("\x03");

  EXPECT_EQ(top->Wait(), 130);
  EXPECT_THAT(top->out(), EndsWith("\x1b[?25h\x1b[?1049l"));
}

TEST_F(QueueProgram, ATerminalKeepsTheLastWhileTheGatewayIsOutOfReach) {
  operations_.answer = [](int call) -> absl::StatusOr<Load> {
    if (call < 3) return LoadWith(call);
    if (call < 5) return absl::UnavailableError("restarting");
    return Refusal(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED", "the token has expired");
  };

  const auto top = StartOnTerminal();
  top->Await("out of reach: restarting");
  top->Await("1 pool, 2 waiting");

  EXPECT_EQ(top->Wait(), 1);
  EXPECT_THAT(top->out(), HasSubstr("\x1b[?1049lpenstock: the token has expired"));
}

TEST_F(QueueProgram, AnIntervalTooShortIsAWrongCommandLine) {
  const auto top = Start({"--interval", "1ms"});

  EXPECT_EQ(top->Wait(), 2);
  EXPECT_THAT(top->error(), HasSubstr("--interval: found '1ms', expected at least 100ms"));
}

}  // namespace
}  // namespace penstock::cli
