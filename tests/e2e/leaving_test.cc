// Leaving is not stopping, and stopping is at once: what a provider's connection sees of it.

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/harness/eventually.h"
#include "tests/harness/mesh.h"

#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;

constexpr absl::Duration kGrace = absl::Milliseconds(500);
constexpr absl::Duration kPatience = absl::Seconds(20);
// Two words at once, then one each 20 ms for 20 s.
constexpr char kLongAnswer[] = "Write.\n/sim tokens 1000\n/sim interval 20";

bool Failed() { return testing::Test::HasFailure(); }

gateway::v1::StreamTurnRequest Ask(const std::string& text) {
  gateway::v1::StreamTurnRequest request;
  request.mutable_turn()->add_input()->mutable_text()->set_text(text);
  return request;
}

class LeavingTest : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start(
        {.shape = GetParam(), .settings = {{"turn.disconnect_grace", "500ms"}}, .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = mesh_->NewCaller({.user = "u"});
  }

  std::string owner() const {
    return GetParam() == Shape::kStandalone ? "standalone" : "dispatcher";
  }

  // Streams until the first text has come, then vanishes. The turn's name.
  std::string LeaveInMidStream(const gateway::v1::StreamTurnRequest& request) {
    std::string name;
    const auto caller = mesh_->NewCaller({.user = "u"});
    const absl::Status status = caller->StreamTurn(request, [&](const auto& event) {
      if (event.has_accepted()) name = event.accepted().turn();
      return !event.has_delta();
    });
    EXPECT_TRUE(status.ok()) << status;
    return name;
  }

  Turn Ended(const std::string& name) {
    Turn turn;
    EXPECT_TRUE(Eventually(kPatience, [&] {
      auto found = caller_->GetTurn(name);
      if (found.ok()) turn = *std::move(found);
      return turn.has_end_time();
    })) << turn.DebugString();
    return turn;
  }

  // When the provider's side of the turn's only call was over.
  absl::Time CallEnded(const std::string& turn) {
    ProviderRequest call;
    EXPECT_TRUE(Eventually(kPatience,
                           [&] {
                             const auto calls = mesh_->simulator().RequestsOf(turn);
                             if (calls.ok() && calls->size() == 1) call = calls->front();
                             return call.end_us > 0;
                           }))
        << "no end of the call of " << turn;
    EXPECT_EQ(call.outcome, "client_closed");
    return absl::FromUnixMicros(call.end_us);
  }

  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;
};

TEST_P(LeavingTest, ATurnThatNobodyWatchesIsCancelledAfterTheGraceAndItsTokensAreCounted) {
  const std::string name = LeaveInMidStream(Ask(kLongAnswer));
  const absl::Time left = absl::Now();

  EXPECT_LE(CallEnded(name) - left, kGrace + absl::Seconds(1));
  const Turn turn = Ended(name);
  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_TRUE(turn.output_partial());
  EXPECT_GT(turn.usage().output_tokens(), 0);
  EXPECT_TRUE(turn.usage().estimated());
  EXPECT_GT(turn.cost_nano_usd(), 0);
}

TEST_P(LeavingTest, ATurnThatIsWatchedAgainWithinTheGraceRunsOn) {
  const std::string name = LeaveInMidStream(Ask("Write.\n/sim tokens 60\n/sim interval 20"));

  gateway::v1::WatchTurnRequest watch;
  watch.set_name(name);
  const absl::Status watched = caller_->WatchTurn(watch, [](const auto&) { return true; });

  EXPECT_TRUE(watched.ok()) << watched;
  EXPECT_EQ(Ended(name).state(), Turn::SUCCEEDED);
}

TEST_P(LeavingTest, ATurnThatIsToContinueRunsOnUnwatched) {
  auto request = Ask("Write.\n/sim tokens 60\n/sim interval 20");
  request.mutable_turn()->set_on_disconnect(chat::v1::CONTINUE);

  const Turn turn = Ended(LeaveInMidStream(request));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.usage().output_tokens(), 60);
}

TEST_P(LeavingTest, CancelTurnStopsTheProviderWithin200Ms) {
  std::vector<absl::Duration> taken;
  for (int i = 0; i < 5; ++i) {
    const std::string name = LeaveInMidStream(Ask(kLongAnswer));
    gateway::v1::CancelTurnRequest cancel;
    cancel.set_name(name);
    const auto answer =
        caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::CancelTurn, cancel);
    const absl::Time told = absl::Now();
    ASSERT_TRUE(answer.ok()) << answer.status();
    taken.push_back(CallEnded(name) - told);
    EXPECT_EQ(Ended(name).state(), Turn::CANCELLED);
  }
  std::sort(taken.begin(), taken.end());
  EXPECT_LE(taken[2], absl::Milliseconds(200)) << "the median of five";
}

TEST_P(LeavingTest, ACancelledTurnStaysCancelledOverACrashRightAfterTheAnswer) {
  for (int i = 0; i < 3; ++i) {
    const std::string name = LeaveInMidStream(Ask(kLongAnswer));
    gateway::v1::CancelTurnRequest cancel;
    cancel.set_name(name);
    const auto answer =
        caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::CancelTurn, cancel);
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_TRUE(mesh_->processes().Kill(owner()).ok());
    const auto ready = mesh_->processes().Restart(owner());
    ASSERT_TRUE(ready.ok()) << ready.status();

    EXPECT_EQ(Ended(name).state(), Turn::CANCELLED);
    CallEnded(name);
  }
}

INSTANTIATE_TEST_SUITE_P(, LeavingTest, testing::Values(Shape::kStandalone, Shape::kFiveProcesses),
                         [](const auto& shape) { return std::string(NameOf(shape.param)); });

}  // namespace
}  // namespace penstock::harness
