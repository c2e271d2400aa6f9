// A session whose provider changes in its middle stays valid: from OpenAI's protocol to Anthropic's
// and back, while tool calls are open, with thoughts that only one of them can read. Two
// simulators, which refuse an invalid history as the providers do.

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/provider_fault_table.h"
#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using gateway::v1::Turns;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kReady[] = "ready providersim ";

bool Failed() { return testing::Test::HasFailure(); }

Format Other(Format format) {
  return format == Format::kOpenAi ? Format::kAnthropic : Format::kOpenAi;
}

// The parameter is the format of the first provider, `primary`; `sim` takes over with the other.
class ProviderSwitchTest : public testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "penstock-switch-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    processes_ = std::make_unique<Processes>(folder_);
    const auto ready = processes_->Start({.name = "primary",
                                          .binary = BinaryPath("providersim"),
                                          .arguments = {"--listen", "127.0.0.1:0"},
                                          .ready_prefix = kReady});
    ASSERT_TRUE(ready.ok()) << ready.status();
    const std::string url(absl::StripPrefix(*ready, kReady));
    primary_ = std::make_unique<Simulator>(url);
    auto mesh = Mesh::Start(
        {.settings = {{"providers.0.protocol", NameOf(Other(GetParam()))},
                      {"providers.1", absl::StrCat("{name: primary, base_url: '", url,
                                                   "', protocol: ", NameOf(GetParam()), "}")},
                      {"models.1",
                       "{name: primary/echo, context_window_tokens: 32000, max_output_tokens: 1024,"
                       " fallbacks: [{model: sim/echo}], breaker: {open: 50ms, max_open: 100ms}}"},
                      {"agents.0.model", "primary/echo"},
                      {"agents.0.recall", "false"},
                      {"agents.0.remember", "false"}},
         .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = mesh_->NewCaller({.user = "u", .tier = "unlimited"});
  }
  void TearDown() override {
    mesh_ = nullptr;
    processes_ = nullptr;
    std::error_code none;
    std::filesystem::remove_all(folder_, none);
  }

  Turn Run(const std::string& text, const std::string& request_id) {
    gateway::v1::RunTurnRequest request;
    request.set_session("sessions/s");
    request.set_request_id(request_id);
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    auto& overrides = *request.mutable_turn()->mutable_overrides();
    for (const char* name : {"clock", "scales"}) {
      auto* tool = overrides.add_tools();
      tool->set_name(name);
      tool->set_parameters(R"({"type":"object","properties":{"at":{"type":"string"}}})");
    }
    const auto turn = caller_->Call(caller_->turns(), &Turns::Stub::RunTurn, request);
    EXPECT_TRUE(turn.ok()) << turn.status();
    if (turn.ok()) ExpectPublic(*turn);
    return turn.ok() ? *turn : Turn();
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
  }
  static void ExpectAnswered(const Turn& turn, const std::string& model) {
    EXPECT_EQ(turn.state(), Turn::SUCCEEDED) << turn.DebugString();
    EXPECT_EQ(turn.model(), model);
    EXPECT_THAT(OutputText(turn), HasSubstr("clock said: 12:00. scales said: 7 kg."));
  }

  std::string folder_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Simulator> primary_;
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;
};

constexpr char kQuestion[] =
    "What do they say?\n/sim reasoning\n/sim tool clock {\"at\":\"home\"}\n/sim tool scales";

TEST_P(ProviderSwitchTest, AFallbackTakesOverWhileCallsAreOpenAndGivesTheSessionBack) {
  const Turn waiting = Run(kQuestion, "r1");
  ASSERT_EQ(waiting.model(), "primary/echo") << waiting.DebugString();
  ASSERT_THAT(waiting.pending_tool_calls(), SizeIs(2));

  ASSERT_TRUE(primary_->SetOutage(503).ok());
  Answer(waiting);
  ExpectAnswered(Run(kQuestion, "r1"), "sim/echo");

  // A whole turn of the fallback's own, calls included.
  const Turn during = Run(kQuestion, "r2");
  Answer(during);
  ExpectAnswered(Run(kQuestion, "r2"), "sim/echo");

  // Back, with calls and thoughts of both in the history.
  ASSERT_TRUE(primary_->SetOutage(0).ok());
  absl::SleepFor(absl::Milliseconds(300));  // longer than the breaker stays open
  const Turn after = Run(kQuestion, "r3");
  Answer(after);
  ExpectAnswered(Run(kQuestion, "r3"), "primary/echo");
}

INSTANTIATE_TEST_SUITE_P(Formats, ProviderSwitchTest,
                         testing::Values(Format::kOpenAi, Format::kAnthropic),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

}  // namespace
}  // namespace penstock::harness
