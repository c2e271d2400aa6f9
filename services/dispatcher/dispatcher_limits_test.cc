// What providers allow, over fake peers and a journal in memory.

#include <map>

#include "services/dispatcher/dispatcher_fixture.h"

#include "absl/strings/match.h"

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
  provider_.Next(TooManyRequests(absl::Seconds(30)));
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

TEST_F(DispatcherCoreTest, AnAnswerThatCouldNeverBeHadIsRefusedAtOnce) {
  config_.mutable_models(0)->mutable_limits()->set_output_tokens_per_minute(50);
  Restart();

  const absl::Status refused = Submit(Request("x")).status();

  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused), "IMPOSSIBLE_COST");
  EXPECT_THAT(refused.message(), testing::HasSubstr("needs 100 output tokens at once"));
}

TEST_F(DispatcherCoreTest, ACallWhoseContextCanNeverFitFailsWithoutBeingMade) {
  config_.mutable_models(0)->mutable_limits()->set_input_tokens_per_minute(50);
  Restart();

  const Turn turn = Outcome(Accepted(Request(std::string(1000, 'x'))));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "IMPOSSIBLE_COST");
  EXPECT_TRUE(provider_.requests().empty());
}

// Two run and all others wait, each in a session of its own.
TEST_F(DispatcherCoreTest, AsTheDepthFillsLowerClassesAreRefusedFirst) {
  config_.mutable_turn()->set_max_waiting(12);
  Restart();
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  int sessions = 0;
  const auto submit = [&](chat::v1::Urgency urgency) {
    auto request = Request("x", "s" + std::to_string(++sessions));
    request.mutable_turn()->set_urgency(urgency);
    return Submit(std::move(request)).status();
  };
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(submit(chat::v1::BATCH).ok());
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));

  for (int i = 0; i < 6; ++i) EXPECT_TRUE(submit(chat::v1::BATCH).ok()) << i;
  const absl::Status refused = submit(chat::v1::BATCH);
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_THAT(refused.message(), testing::HasSubstr("6 turns wait"));
  EXPECT_EQ(MetadataOf(refused, "limit"), "6");
  EXPECT_EQ(MetadataOf(refused, "class"), "CLASS_BATCH");
  EXPECT_THAT(SaidBy(refused), testing::HasSubstr("High demand, about "));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(submit(chat::v1::NORMAL).ok()) << i;
  EXPECT_EQ(ReasonOf(submit(chat::v1::NORMAL)), "QUEUE_FULL");
  EXPECT_THAT(
      metrics_.Render(),
      testing::AllOf(testing::HasSubstr("penstock_dispatcher_refused_total{class=\"CLASS_BATCH\","
                                        "reason=\"QUEUE_FULL\"} 1"),
                     testing::HasSubstr("penstock_dispatcher_refused_total{class=\"CLASS_FREE\","
                                        "reason=\"QUEUE_FULL\"} 1")));
}

TEST_F(DispatcherCoreTest, AFullPoolRefusesWithoutAskingForTheSessionUnlessItMayNameAnotherPool) {
  config_.mutable_turn()->set_max_waiting(2);
  auto* other = config_.add_models();
  *other = config_.models(0);
  other->set_name("other/echo");
  auto* agent = config_.add_agents();
  agent->set_id("other");
  agent->set_model("other/echo");
  Restart();
  const auto submit = [&](const std::string& session, const std::string& named) {
    auto request = Request("x", session);
    request.mutable_turn()->set_agent(named);
    request.mutable_turn()->set_urgency(chat::v1::BATCH);
    return Submit(std::move(request)).status();
  };
  // Two run, and one waits: as many as of class BATCH may.
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (size_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(submit("s" + std::to_string(i), "").ok());
    ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == i; }));
  }
  ASSERT_TRUE(submit("s3", "").ok());
  const int resolved = session_.resolved();

  EXPECT_EQ(ReasonOf(submit("s4", "agents/default")), "QUEUE_FULL");
  EXPECT_EQ(session_.resolved(), resolved);
  EXPECT_EQ(ReasonOf(submit("s4", "")), "QUEUE_FULL");
  EXPECT_EQ(session_.resolved(), resolved + 1);
  EXPECT_TRUE(submit("s4", "agents/other").ok());
  EXPECT_EQ(ReasonOf(submit("s5", "agents/none")), "AGENT_NOT_FOUND");
}

TEST_F(DispatcherCoreTest, TurnsThatWaitBehindOthersOfTheirSessionFillTheDepth) {
  config_.mutable_turn()->set_max_waiting(4);
  Restart();
  for (int i = 0; i < 4; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  Accepted(Request("x", "s1"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  Accepted(Request("x", "s1"));
  Accepted(Request("x", "s1"));
  Accepted(Request("x", "s2"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));
  Accepted(Request("x", "s3"));

  EXPECT_EQ(ReasonOf(Submit(Request("x", "s4")).status()), "QUEUE_FULL");
  Restart();
  EXPECT_EQ(ReasonOf(Submit(Request("x", "s4")).status()), "QUEUE_FULL");
}

TEST_F(DispatcherCoreTest, TheDepthHasTokensToo) {
  // A turn is expected to take some 100 of output; three quarters of 200 are for class FREE.
  config_.mutable_queue()->set_max_waiting_tokens(200);
  Restart();
  provider_.Next(TooManyRequests(absl::Seconds(30)));
  Accepted(Request("x", "s1"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  Accepted(Request("x", "s2"));

  const absl::Status refused = Submit(Request("x", "s3")).status();

  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(MetadataOf(refused, "limit"), "150 tokens");
}

// Two run and one waits: all three hold their picture until they have ended.
TEST_F(DispatcherCoreTest, LiveTurnsHoldNoMoreBytesThanMay) {
  constexpr int64_t kPicture = 100'000;
  const auto picture = [&](const std::string& session) {
    auto request = Request("look", session);
    auto* image = request.mutable_turn()->add_input()->mutable_image();
    image->set_media_type("image/png");
    image->set_data(std::string(kPicture, 'p'));
    return request;
  };
  // Of which three quarters are for class FREE.
  config_.mutable_queue()->set_max_held_bytes(5 * kPicture);
  Restart();
  for (int i = 0; i < 4; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string running = Accepted(picture("s1"));
  Accepted(picture("s2"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));
  Accepted(picture("s3"));

  const absl::Status refused = Submit(picture("s4")).status();
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(MetadataOf(refused, "limit"), "375000 bytes");
  EXPECT_THAT(refused.message(), testing::HasSubstr("turns hold 300"));
  EXPECT_TRUE(Submit(Request("no picture", "s5")).ok());
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(metrics_.Render(), "\npenstock_dispatcher_held_bytes 300");
  }));

  Restart();
  EXPECT_EQ(ReasonOf(Submit(picture("s4")).status()), "QUEUE_FULL") << "they are held again";
  v1::CancelTurnRequest cancel;
  cancel.set_name(running);
  EXPECT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  EXPECT_TRUE(Eventually([&] { return Submit(picture("s4")).ok(); })) << "given back at its end";
}

TEST_F(DispatcherCoreTest, AWatchedTurnWaitsNoLongerThanItsClassDoes) {
  *config_.mutable_queue()->mutable_free_max_wait() = ToProto(absl::Seconds(1));
  Restart();
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (int i = 0; i < 2; ++i) Accepted(Request("x"));
  auto watched = Request("x");
  watched.set_job(false);

  const absl::Status refused = Submit(watched).status();

  EXPECT_EQ(ReasonOf(refused), "WAIT_TOO_LONG");
  EXPECT_THAT(refused.message(), testing::HasSubstr("queue.free_max_wait allows 1s"));
  EXPECT_TRUE(Submit(Request("x")).ok());
}

TEST_F(DispatcherCoreTest, ActionsBeyondTheirTenantsShareWaitInTheClassOfTheirTier) {
  identity::Principal principal = principal_;
  principal.scopes = {"turns.action"};
  config_.mutable_turn()->set_max_waiting(1000);
  Restart();
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  std::string last;
  for (int i = 0; i < 13; ++i) {
    auto request = Request("x", "s" + std::to_string(i));
    request.mutable_turn()->set_urgency(chat::v1::ACTION);
    const auto submission = Run(core_->Submit(principal, std::move(request), "", false));
    ASSERT_TRUE(submission.ok()) << submission.status();
    last = submission->turn_name;
    if (i < 2) {
      ASSERT_TRUE(
          Eventually([&] { return provider_.requests().size() == static_cast<size_t>(i) + 1; }));
    }
  }

  std::map<chat::v1::TurnClass, int> classes;
  for (const auto& [id, turn] : journal_.unfinished()) ++classes[turn.submitted.turn_class()];
  EXPECT_EQ(classes[chat::v1::CLASS_ACTION], 10);
  // The first turns of their sessions, as those of any tier.
  EXPECT_EQ(classes[chat::v1::CLASS_FIRST], 3);
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("penstock_dispatcher_actions_demoted_total 3"));
  EXPECT_EQ(core_->GetLive(principal_, last)->queue().turn_class(), chat::v1::CLASS_FIRST);
}

}  // namespace
}  // namespace penstock::dispatcher
