// Tools of `penstock chat` and `penstock turn` as they are run.

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "services/cli/child_process.h"
#include "services/cli/fake_gateway.h"

namespace penstock::cli {
namespace {

using chat::v1::ToolCall;
using chat::v1::ToolResult;
using chat::v1::Turn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

ToolCall Call(const std::string& id, const std::string& name, const std::string& arguments = "{}") {
  ToolCall call;
  call.set_id(id);
  call.set_name(name);
  call.set_arguments(arguments);
  return call;
}

class ToolsProgram : public testing::Test {
 protected:
  std::unique_ptr<ChildProcess> Start(
      std::vector<std::string> arguments,
      ChildProcess::Console console = ChildProcess::Console::kPipes) {
    arguments.insert(arguments.begin(), PENSTOCK_COMMAND);
    return std::make_unique<ChildProcess>(
        arguments,
        std::vector<std::string>{"PENSTOCK_ADDRESS=" + gateway_->address(), "TERM=xterm",
                                 "PATH=/usr/bin:/bin"},
        console);
  }

  // A turn of one step of calls, which then says what the results were.
  void CallThenSay(const std::vector<ToolCall>& calls) {
    gateway_->on_stream = [this, calls](const auto& request, TurnScript& turn) {
      request_ = request;
      turn.Accept();
      turn.CallTools(0, calls);
      results_ = turn.AwaitResults();
      std::string said;
      for (const ToolResult& result : results_) said += result.content() + ".";
      turn.Say(said);
      turn.Finish(Turn::SUCCEEDED, said);
      return absl::OkStatus();
    };
  }

  gateway::v1::StreamTurnRequest request_;
  std::vector<ToolResult> results_;
  std::unique_ptr<FakeGateway> gateway_ = FakeGateway::Start();
};

TEST_F(ToolsProgram, ChatRunsWhatIsCalledAndGoesOn) {
  CallThenSay({Call("a", "echo", R"({"x":1})"), Call("b", "fail"), Call("c", "other")});

  const auto chat = Start({"chat", "--session", "s1", "--message", "hi", "--yes", "--tool",
                           "echo=cat", "--tool", "fail=exit 3"});

  EXPECT_EQ(chat->Wait(), 0);
  EXPECT_EQ(chat->out(), "{\"x\":1}.exit code 3.there is no such tool.\n");
  EXPECT_EQ(chat->error(),
            "[echo {\"x\":1}]\n[echo: {\"x\":1}]\n[fail {}]\n[fail failed: exit code 3]\n"
            "[other {}]\n[other failed: there is no such tool]\n");
  ASSERT_THAT(request_.turn().overrides().tools(), SizeIs(2));
  EXPECT_EQ(request_.turn().overrides().tools(0).name(), "echo");
  ASSERT_THAT(results_, SizeIs(3));
  EXPECT_EQ(results_[1].tool_call_id(), "b");
  EXPECT_FALSE(results_[0].is_error());
  EXPECT_TRUE(results_[1].is_error());
}

TEST_F(ToolsProgram, ChatRunsEachStepOnceAlsoWhenItIsAskedAgain) {
  const std::string file = testing::TempDir() + "/tools_program_runs";
  std::remove(file.c_str());
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.CallTools(0, {Call("a", "count")});
    EXPECT_THAT(turn.AwaitResults(), SizeIs(1));
    turn.CallTools(0, {Call("a", "count")});
    EXPECT_THAT(turn.AwaitResults(), SizeIs(1));
    turn.CallTools(1, {Call("b", "count")});
    EXPECT_THAT(turn.AwaitResults(), SizeIs(1));
    turn.Finish(Turn::SUCCEEDED, "Done.");
    return absl::OkStatus();
  };

  const auto chat = Start(
      {"chat", "--session", "s1", "--message", "hi", "--yes", "--tool", "count=echo x >> " + file});

  EXPECT_EQ(chat->Wait(), 0);
  std::ifstream runs(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(runs), {}), "x\nx\n");
}

TEST_F(ToolsProgram, ChatAsksBeforeItRuns) {
  CallThenSay({Call("a", "echo", "one"), Call("b", "echo", "two")});
  const auto chat = Start({"chat", "--session", "s1", "--message", "hi", "--tool", "echo=cat"},
                          ChildProcess::Console::kTerminal);

  chat->Await("[echo one]");
  chat->Await("run echo? [y/N] ");
  chat->Write("y\n");
  chat->Await("[echo: one]");
  chat->Await("run echo? [y/N] ");
  chat->Write("\n");
  chat->Await("[echo failed: the user did not allow this]");
  chat->Await("one.the user did not allow this.");

  EXPECT_EQ(chat->Wait(), 0);
}

TEST_F(ToolsProgram, ChatRunsNothingUnaskedWithoutATerminal) {
  const auto chat = Start({"chat", "--message", "hi", "--tool", "echo=cat"});

  EXPECT_EQ(chat->Wait(), 2);
  EXPECT_THAT(chat->error(), HasSubstr("--yes runs tools unasked"));
}

TEST_F(ToolsProgram, AnInterruptKillsTheToolAndCancelsTheTurn) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.CallTools(0, {Call("a", "slow")});
    EXPECT_TRUE(turn.AwaitCancel());
    turn.Finish(Turn::CANCELLED, "");
    return absl::OkStatus();
  };
  const auto chat =
      Start({"chat", "--session", "s1", "--message", "hi", "--yes", "--tool", "slow=sleep 60"},
            ChildProcess::Console::kTerminal);

  chat->Await("[slow {}]");
  chat->Write("\x03");

  EXPECT_EQ(chat->Wait(), 130);
  EXPECT_THAT(chat->out(), HasSubstr("[cancelled; nothing was kept]"));
}

TEST_F(ToolsProgram, ATurnThatExpiresWhileAToolRunsEndsWithAClearLine) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.CallTools(0, {Call("a", "slow")});
    turn.Fail(Turn::EXPIRED,
              Refusal(absl::StatusCode::kDeadlineExceeded, "TOOL_TIMEOUT", "no results within 5m"));
    return absl::OkStatus();
  };

  const auto chat =
      Start({"chat", "--session", "s1", "--message", "hi", "--yes", "--tool", "slow=sleep 60"});

  EXPECT_EQ(chat->Wait(), 1);
  EXPECT_THAT(chat->error(),
              HasSubstr("penstock: the turn expired: no results within 5m (TOOL_TIMEOUT)\n"
                        "what to do: give results sooner"));
}

TEST_F(ToolsProgram, ResultsThatAreRefusedCancelTheTurn) {
  gateway_->on_results = [](const auto&) -> absl::Status {
    return Refusal(absl::StatusCode::kFailedPrecondition, "TOOL_CALL_MISMATCH", "expected b");
  };
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.CallTools(0, {Call("a", "echo")});
    EXPECT_TRUE(turn.AwaitCancel());
    turn.Finish(Turn::CANCELLED, "");
    return absl::OkStatus();
  };

  const auto chat =
      Start({"chat", "--session", "s1", "--message", "hi", "--yes", "--tool", "echo=cat"});

  EXPECT_EQ(chat->Wait(), 1);
  EXPECT_THAT(chat->error(), HasSubstr("penstock: expected b (TOOL_CALL_MISMATCH)\n"));
}

TEST_F(ToolsProgram, WatchSaysHowToAnswer) {
  gateway_->on_watch = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.CallTools(0, {Call("a", "clock", "{\"z\":\"\x1b\"}"), Call("b", "clock")});
    turn.Finish(Turn::SUCCEEDED, "Noon.");
    return absl::OkStatus();
  };

  const auto watch = Start({"turn", "watch", "s1/t1"});

  EXPECT_EQ(watch->Wait(), 0);
  EXPECT_EQ(watch->out(), "Noon.\n");
  EXPECT_EQ(watch->error(),
            "[clock {\"z\":\"?\"}]\n[clock {}]\nwhat to do: give the results with `penstock turn "
            "results sessions/s1/turns/t1 a=TEXT b=TEXT`\n");
}

TEST_F(ToolsProgram, TurnResultsGivesWhatItWasTold) {
  const std::string file = testing::TempDir() + "/tools_program_result";
  std::ofstream(file) << "from a file\n";
  gateway::v1::SubmitToolResultsRequest request;
  gateway_->on_results = [&request](const auto& given) {
    request = given;
    return absl::OkStatus();
  };

  const auto results = Start({"turn", "results", "s1/t1", "a=1=1", "--error", "b=broken", "--file",
                              "c=" + file, "--request-id", "r1"});

  EXPECT_EQ(results->Wait(), 0);
  EXPECT_THAT(results->out(), HasSubstr("state: QUEUED"));
  EXPECT_EQ(request.name(), "sessions/s1/turns/t1");
  EXPECT_EQ(request.request_id(), "r1");
  std::vector<std::string> given;
  for (const auto& result : request.results()) {
    given.push_back(result.tool_call_id() + (result.is_error() ? "!" : "=") + result.content());
  }
  EXPECT_THAT(given, ElementsAre("a=1=1", "c=from a file\n", "b!broken"));
}

TEST_F(ToolsProgram, TurnResultsWithoutAResultIsAWrongCommandLine) {
  EXPECT_EQ(Start({"turn", "results", "s1/t1"})->Wait(), 2);
  EXPECT_EQ(Start({"turn", "results", "s1/t1", "text"})->Wait(), 2);
  EXPECT_EQ(Start({"turn", "results", "s1/t1", "--file", "a=/nonexistent"})->Wait(), 2);
}

Turn Waiting() {
  Turn turn;
  turn.set_name("sessions/s1/turns/t1");
  turn.set_state(Turn::AWAITING_TOOLS);
  turn.add_input()->mutable_text()->set_text("Hello?");
  *turn.add_pending_tool_calls() = Call("a", "clock");
  *turn.add_pending_tool_calls() = Call("b", "scales", "{\"of\":\"it\"}");
  return turn;
}

TEST_F(ToolsProgram, ATurnThatWaitsShowsItsCalls) {
  gateway_->on_get = [](const std::string&) -> absl::StatusOr<Turn> { return Waiting(); };
  gateway_->on_list = [](const auto& request, auto& response) {
    EXPECT_THAT(request.states(), ElementsAre(Turn::AWAITING_TOOLS));
    *response.add_turns() = Waiting();
    return absl::OkStatus();
  };
  gateway_->on_run = [](const auto&, Turn& turn) {
    turn = Waiting();
    return absl::OkStatus();
  };

  const auto get = Start({"turn", "get", "s1/t1"});
  const auto list = Start({"turn", "list", "--state", "awaiting_tools"});
  const auto run = Start({"turn", "run", "Hello?"});

  EXPECT_EQ(get->Wait(), 0);
  EXPECT_THAT(get->out(), HasSubstr("waits for: a: clock {}\n"));
  EXPECT_THAT(get->out(), HasSubstr("b: scales {\"of\":\"it\"}\n"));
  EXPECT_EQ(list->Wait(), 0);
  EXPECT_THAT(list->out(), HasSubstr("AWAITING_TOOLS    Hello?  <- clock, scales\n"));
  EXPECT_EQ(run->Wait(), 1);
  EXPECT_THAT(run->error(),
              HasSubstr("penstock turn results sessions/s1/turns/t1 a=TEXT b=TEXT`\n"));
}

}  // namespace
}  // namespace penstock::cli
