// The caller's tools over all five services and the providers' wire format. The simulator refuses,
// as providers do, a history in which a call is not followed by its result.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "tests/harness/caller.h"
#include "tests/harness/tokens.h"
#include "tests/mesh/in_process_mesh.h"

#include "absl/strings/str_cat.h"

namespace penstock::mesh {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;
using gateway::v1::Turns;
using testing::HasSubstr;
using testing::SizeIs;

class ToolsMeshTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh =
        InProcessMesh::Start({{"agents.0.overridable", "[tools]"}, {"turn.max_tool_calls", "3"}});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = std::make_unique<harness::Caller>(mesh_->ConnectToGateway(),
                                                mesh_->tokens().For({.user = "u"}));
  }

  template <class Request>
  static Request Ask(const std::string& text, const std::string& request_id) {
    Request request;
    request.set_session("sessions/s");
    request.set_request_id(request_id);
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    for (const char* name : {"clock", "scales"}) {
      auto* tool = request.mutable_turn()->mutable_overrides()->add_tools();
      tool->set_name(name);
      tool->set_description("Tells what it shows.");
      tool->set_parameters(R"({"type":"object","properties":{"at":{"type":"string"}}})");
    }
    return request;
  }
  absl::StatusOr<Turn> Run(const std::string& text, const std::string& request_id) {
    return caller_->Call(caller_->turns(), &Turns::Stub::RunTurn,
                         Ask<gateway::v1::RunTurnRequest>(text, request_id));
  }
  template <class Calls>
  absl::StatusOr<Turn> Answer(const std::string& turn, const Calls& calls) {
    gateway::v1::SubmitToolResultsRequest request;
    request.set_name(turn);
    for (const auto& call : calls) {
      auto* result = request.add_results();
      result->set_tool_call_id(call.id());
      result->set_content(call.name() == "clock" ? "12:00" : "7 kg");
    }
    return caller_->Call(caller_->turns(), &Turns::Stub::SubmitToolResults, request);
  }

  std::unique_ptr<InProcessMesh> mesh_;
  std::unique_ptr<harness::Caller> caller_;
};

TEST_F(ToolsMeshTest, AStreamGoesOnWhenItsToolsAreAnswered) {
  std::string name, arguments;
  std::vector<int32_t> steps;
  Turn turn;
  const auto see = [&](const TurnEvent& event) {
    if (event.has_accepted()) name = event.accepted().turn();
    if (event.delta().kind() == chat::v1::Delta::TOOL_ARGUMENTS) arguments += event.delta().text();
    if (event.has_step_finished()) steps.push_back(event.step_finished().step());
    if (event.has_tool_calls_requested()) {
      const auto answered = Answer(name, event.tool_calls_requested().calls());
      EXPECT_TRUE(answered.ok()) << answered.status();
    }
    if (event.has_finished()) turn = event.finished().turn();
    return true;
  };
  const auto streamed = caller_->StreamTurn(
      Ask<gateway::v1::StreamTurnRequest>(
          "What do they say?\n/sim tool clock {\"at\":\"home\"}\n/sim tool scales", "r1"),
      see);

  ASSERT_TRUE(streamed.ok()) << streamed;
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED) << turn.DebugString();
  EXPECT_EQ(arguments, R"({"at":"home"}{})");
  EXPECT_THAT(steps, testing::ElementsAre(0, 1));
  ASSERT_THAT(turn.output(), SizeIs(3));
  EXPECT_THAT(harness::OutputText(turn), HasSubstr("clock said: 12:00. scales said: 7 kg."));
  EXPECT_GT(turn.usage().input_tokens(), 0);

  const auto next = Run("And then?", "r2");
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->state(), Turn::SUCCEEDED) << next->DebugString();
}

TEST_F(ToolsMeshTest, RunTurnAnswersForItsToolsAndTheSameRequestForItsEnd) {
  const std::string question = "What does it say?\n/sim tool clock";
  const auto waiting = Run(question, "r1");
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  ASSERT_EQ(waiting->state(), Turn::AWAITING_TOOLS) << waiting->DebugString();
  ASSERT_THAT(waiting->pending_tool_calls(), SizeIs(1));

  const auto answered = Answer(waiting->name(), waiting->pending_tool_calls());
  ASSERT_TRUE(answered.ok()) << answered.status();
  const auto ended = Run(question, "r1");

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->state(), Turn::SUCCEEDED) << ended->DebugString();
  EXPECT_EQ(ended->name(), waiting->name());
}

TEST_F(ToolsMeshTest, HistoryIsValidAfterATurnThatWasCancelledWhileItWaited) {
  const auto waiting = Run("What does it say?\n/sim tool clock", "r1");
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  gateway::v1::CancelTurnRequest cancel;
  cancel.set_name(waiting->name());
  ASSERT_TRUE(caller_->Call(caller_->turns(), &Turns::Stub::CancelTurn, cancel).ok());

  const auto next = Run("And now?", "r2");

  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->state(), Turn::SUCCEEDED) << next->DebugString();
  EXPECT_EQ(caller_->GetTurn(waiting->name())->state(), Turn::CANCELLED);
}

TEST_F(ToolsMeshTest, AModelThatCallsForEverEndsAtTheLimit) {
  auto turn = Run("What does it say?\n/sim tool clock\n/sim tool-always", "r1");
  for (int step = 0; step < 3; ++step) {
    ASSERT_TRUE(turn.ok()) << turn.status();
    ASSERT_EQ(turn->state(), Turn::AWAITING_TOOLS) << turn->DebugString();
    const auto answered = Answer(turn->name(), turn->pending_tool_calls());
    ASSERT_TRUE(answered.ok()) << answered.status();
    turn = Run("What does it say?\n/sim tool clock\n/sim tool-always", "r1");
  }

  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(turn->state(), Turn::SUCCEEDED) << turn->DebugString();
  EXPECT_EQ(turn->finish_reason(), chat::v1::TOOL_LIMIT);
}

}  // namespace
}  // namespace penstock::mesh
