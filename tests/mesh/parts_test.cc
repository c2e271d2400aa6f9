// Images, thoughts and calls in one session that two providers of different protocols answer in
// turn. The simulator refuses, as providers do, a history that is not valid, and a thought that
// does not come back as it was.

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/caller.h"
#include "tests/harness/simulator.h"
#include "tests/harness/tokens.h"
#include "tests/mesh/in_process_mesh.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::mesh {
namespace {

using chat::v1::Turn;
using gateway::v1::Turns;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr char kOpenAi[] = "sim/echo";
constexpr char kAnthropic[] = "claude/echo";
constexpr char kQuestion[] =
    "What do they say?\n/sim reasoning\n/sim tool clock {\"at\":\"home\"}\n/sim tool scales";

// One pixel.
std::string Png() {
  std::string png;
  EXPECT_TRUE(absl::Base64Unescape(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
      "rkJggg==",
      &png));
  return png;
}

class PartsMeshTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh = InProcessMesh::Start(
        {{"providers.1", "{name: claude, protocol: anthropic}"},
         {"models.1",
          "{name: claude/echo, context_window_tokens: 32000, max_output_tokens: 1024}"}},
        /*providers=*/2);
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    simulator_ = std::make_unique<harness::Simulator>(mesh_->provider_url());
    caller_ = std::make_unique<harness::Caller>(mesh_->ConnectToGateway(),
                                                mesh_->tokens().For({.user = "u"}));
  }

  static gateway::v1::RunTurnRequest Ask(const std::string& text, const std::string& model,
                                         const std::string& request_id) {
    gateway::v1::RunTurnRequest request;
    request.set_session("sessions/s");
    request.set_request_id(request_id);
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    auto& overrides = *request.mutable_turn()->mutable_overrides();
    overrides.set_model(model);
    for (const char* name : {"clock", "scales"}) {
      auto* tool = overrides.add_tools();
      tool->set_name(name);
      tool->set_parameters(R"({"type":"object","properties":{"at":{"type":"string"}}})");
    }
    return request;
  }
  static void Show(gateway::v1::RunTurnRequest& request) {
    auto* image = request.mutable_turn()->add_input()->mutable_image();
    image->set_media_type("image/png");
    image->set_data(Png());
  }
  Turn Run(const gateway::v1::RunTurnRequest& request) {
    const auto turn = caller_->Call(caller_->turns(), &Turns::Stub::RunTurn, request);
    EXPECT_TRUE(turn.ok()) << turn.status();
    if (turn.ok()) ExpectPublic(*turn);
    return turn.ok() ? *turn : Turn();
  }
  void Answer(const Turn& waiting) {
    ASSERT_EQ(waiting.state(), Turn::AWAITING_TOOLS) << waiting.DebugString();
    gateway::v1::SubmitToolResultsRequest request;
    request.set_name(waiting.name());
    for (const auto& call : waiting.pending_tool_calls()) {
      auto* result = request.add_results();
      result->set_tool_call_id(call.id());
      result->set_content(call.name() == "clock" ? "12:00" : "7 kg");
    }
    const auto answered = caller_->Call(caller_->turns(), &Turns::Stub::SubmitToolResults, request);
    ASSERT_TRUE(answered.ok()) << answered.status();
    ExpectPublic(*answered);
  }
  // Thoughts are shown; what only their provider can read is not.
  static void ExpectPublic(const Turn& turn) {
    for (const auto& message : turn.output()) {
      for (const auto& part : message.parts()) {
        EXPECT_FALSE(part.has_opaque()) << turn.ShortDebugString();
        EXPECT_FALSE(part.reasoning().has_state()) << turn.ShortDebugString();
      }
    }
  }
  // Of the last call that the provider received.
  std::string LastBody() const {
    const auto requests = simulator_->Requests();
    EXPECT_TRUE(requests.ok()) << requests.status();
    return requests.ok() && !requests->empty() ? requests->back().body : "";
  }

  std::unique_ptr<InProcessMesh> mesh_;
  std::unique_ptr<harness::Simulator> simulator_;
  std::unique_ptr<harness::Caller> caller_;
};

TEST_F(PartsMeshTest, AnImageIsSentInItsTurnAndInLaterOnesInBothFormats) {
  const std::string data = absl::Base64Escape(Png());
  for (const std::string model : {kOpenAi, kAnthropic}) {
    auto request = Ask("Note this picture.", model, absl::StrCat("show-", model));
    Show(request);
    const Turn shown = Run(request);
    EXPECT_EQ(shown.state(), Turn::SUCCEEDED) << shown.DebugString();
    EXPECT_THAT(LastBody(), HasSubstr(data)) << model;
  }

  for (const std::string model : {kAnthropic, kOpenAi}) {
    const Turn next = Run(Ask("Go on.", model, absl::StrCat("next-", model)));
    EXPECT_EQ(next.state(), Turn::SUCCEEDED) << next.DebugString();
    EXPECT_EQ(next.model(), model);
    EXPECT_THAT(LastBody(), HasSubstr(data)) << model;
  }
}

TEST_F(PartsMeshTest, AnImageIsKeptAsItWasShown) {
  auto request = Ask("Note this picture.", kOpenAi, "r1");
  Show(request);
  const Turn turn = Run(request);

  const auto stored = caller_->GetTurn(turn.name());
  ASSERT_TRUE(stored.ok()) << stored.status();
  ASSERT_THAT(stored->input(), SizeIs(2));
  EXPECT_EQ(stored->input(1).image().data(), Png());
  const auto listed = caller_->AllTurns("sessions/s");
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->at(0).input(1).image().data(), Png());
}

TEST_F(PartsMeshTest, TheProviderMayChangeWithEveryTurn) {
  for (int turn = 0; turn < 4; ++turn) {
    const std::string model = turn % 2 == 0 ? kAnthropic : kOpenAi;
    auto request = Ask(kQuestion, model, absl::StrCat("r", turn));
    Show(request);

    Answer(Run(request));
    const Turn ended = Run(request);

    EXPECT_EQ(ended.state(), Turn::SUCCEEDED) << ended.DebugString();
    EXPECT_EQ(ended.model(), model);
    EXPECT_THAT(harness::OutputText(ended), HasSubstr("clock said: 12:00. scales said: 7 kg."));
  }
}

TEST_F(PartsMeshTest, AThoughtGoesBackToItsOwnProtocolAlone) {
  const auto request = Ask(kQuestion, kAnthropic, "r1");
  const Turn waiting = Run(request);
  ASSERT_THAT(waiting.output(), SizeIs(1));
  EXPECT_NE(waiting.output(0).parts(0).reasoning().text(), "");
  Answer(waiting);
  EXPECT_EQ(Run(request).state(), Turn::SUCCEEDED);
  EXPECT_THAT(LastBody(), HasSubstr("\"signature\""));

  EXPECT_EQ(Run(Ask("Go on.", kOpenAi, "r2")).state(), Turn::SUCCEEDED);
  EXPECT_THAT(LastBody(), Not(HasSubstr("signature")));

  EXPECT_EQ(Run(Ask("Go on.", kAnthropic, "r3")).state(), Turn::SUCCEEDED);
  EXPECT_THAT(LastBody(), HasSubstr("\"signature\""));
}

}  // namespace
}  // namespace penstock::mesh
