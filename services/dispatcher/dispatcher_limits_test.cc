// What providers allow, over fake peers and a journal in memory.

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

FakeProviderPeer::Script TooManyRequests(absl::Duration retry_after) {
  auto refusal = FakeProviderPeer::Failure(chat::v1::PROVIDER_RATE_LIMITED);
  *refusal.mutable_failed()->mutable_retry_after() = ToProto(retry_after);
  return {.events = {refusal}, .end = {}};
}

TEST_F(DispatcherCoreTest, ATurnThatTheProviderRefusedGoesBackInLineAndThatIsNoAttempt) {
  for (int i = 0; i < 10; ++i) provider_.Next(TooManyRequests(absl::Milliseconds(1)));

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  ASSERT_EQ(provider_.requests().size(), 11u);
  EXPECT_EQ(provider_.requests().back().attempt(), 1);
}

TEST_F(DispatcherCoreTest, AfterElevenRefusalsATurnFails) {
  for (int i = 0; i < 11; ++i) provider_.Next(TooManyRequests(absl::Milliseconds(1)));

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "PROVIDER_RATE_LIMITED");
  EXPECT_EQ(provider_.requests().size(), 11u);
}

TEST_F(DispatcherCoreTest, APausedLaneKeepsItsTurnsUntilTheyAreCancelled) {
  provider_.Next(TooManyRequests(absl::Hours(1)));
  const std::string first = Accepted(Request("x", "s1"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  const std::string second = Accepted(Request("x", "s2"));

  v1::CancelTurnRequest cancel;
  for (const std::string& name : {first, second}) {
    cancel.set_name(name);
    ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
    EXPECT_EQ(Outcome(name).state(), Turn::CANCELLED);
  }
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, ACallThatCanNeverFitFailsWithoutBeingMade) {
  auto& limits = *config_.mutable_models(0)->mutable_limits();
  limits.set_output_tokens_per_minute(50);
  Restart();

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  const absl::Status error = FromRpcStatus(turn.error());
  EXPECT_EQ(ReasonOf(error), "IMPOSSIBLE_COST");
  EXPECT_THAT(error.message(), testing::HasSubstr("needs 100 output tokens at once"));
  EXPECT_TRUE(provider_.requests().empty());
}

}  // namespace
}  // namespace penstock::dispatcher
