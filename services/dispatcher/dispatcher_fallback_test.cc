// Lanes that fail and models that take over, over fake peers and a journal in memory.

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class FallbackTest : public DispatcherCoreTest {
 protected:
  // sim/echo falls back to other/echo, whose tokens cost ten times as much.
  void SetUp() override {
    auto* other = config_.add_models();
    *other = config_.models(0);
    other->set_name("other/echo");
    other->mutable_price()->set_input(10);
    other->mutable_price()->set_output(20);
    config_.mutable_models(0)->add_fallbacks()->set_model("other/echo");
    Restart();
  }

  void Fail(chat::v1::ErrorKind kind, int times = 1) {
    for (int i = 0; i < times; ++i) {
      provider_.Next({.events = {FakeProviderPeer::Failure(kind)}, .end = {}});
    }
  }
  // The primary is left alone from now on.
  void Break() {
    Fail(chat::v1::PROVIDER_AUTH);
    EXPECT_EQ(Outcome(Accepted(Request("x", "breaks"))).state(), Turn::SUCCEEDED);
    EXPECT_THAT(Models(), ElementsAre("sim/echo", "other/echo"));
  }
  std::vector<std::string> Models() const {
    std::vector<std::string> models;
    for (const auto& request : provider_.requests()) models.push_back(request.model());
    return models;
  }
  std::string ReasonOfFailed(const Turn& turn) {
    EXPECT_EQ(turn.state(), Turn::FAILED);
    return ReasonOf(FromRpcStatus(turn.error()));
  }
};

TEST_F(FallbackTest, AnotherModelTakesOverWhatTheFirstCannotDo) {
  Fail(chat::v1::PROVIDER_QUOTA);
  const std::string name = Accepted(Request("x"));

  const auto events = Watch(name);

  const Turn& turn = events.back().finished().turn();
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.model(), "other/echo");
  ASSERT_EQ(provider_.requests().size(), 2u);
  EXPECT_EQ(provider_.requests()[0].provider(), "sim");
  EXPECT_EQ(provider_.requests()[1].provider(), "other");
  EXPECT_EQ(provider_.requests()[1].model(), "other/echo");
  EXPECT_EQ(provider_.requests()[1].attempt(), 2);
  std::vector<std::string> started;
  for (const TurnEvent& event : events) {
    if (event.has_started()) started.push_back(event.started().model());
  }
  EXPECT_THAT(started, ElementsAre("sim/echo", "other/echo"));
}

TEST_F(FallbackTest, TheFirstModelIsTriedAgainBeforeAnotherTakesOver) {
  Fail(chat::v1::PROVIDER_OVERLOADED);

  EXPECT_EQ(Outcome(Accepted(Request("x"))).model(), "sim/echo");
  EXPECT_THAT(Models(), ElementsAre("sim/echo", "sim/echo"));
}

TEST_F(FallbackTest, AfterTwoAttemptsAnotherTakesOver) {
  Fail(chat::v1::PROVIDER_OVERLOADED, 2);

  EXPECT_EQ(Outcome(Accepted(Request("x"))).model(), "other/echo");
  EXPECT_THAT(Models(), ElementsAre("sim/echo", "sim/echo", "other/echo"));
}

TEST_F(FallbackTest, ALongPauseOfTheFirstIsNotWaitedFor) {
  auto failure = FakeProviderPeer::Failure(chat::v1::PROVIDER_OVERLOADED);
  *failure.mutable_failed()->mutable_retry_after() = ToProto(absl::Hours(1));
  provider_.Next({.events = {failure}, .end = {}});

  EXPECT_EQ(Outcome(Accepted(Request("x"))).model(), "other/echo");
}

TEST_F(FallbackTest, LimitsThatStayExhaustedSendATurnOn) {
  auto refusal = FakeProviderPeer::Failure(chat::v1::PROVIDER_RATE_LIMITED);
  *refusal.mutable_failed()->mutable_retry_after() = ToProto(absl::Hours(48));
  provider_.Next({.events = {refusal}, .end = {}});

  EXPECT_EQ(Outcome(Accepted(Request("x"))).model(), "other/echo");
}

TEST_F(FallbackTest, NothingTakesOverOnceTheCallerHasSeenText) {
  provider_.Next({.events = {FakeProviderPeer::Delta("half"),
                             FakeProviderPeer::Failure(chat::v1::PROVIDER_INTERNAL)},
                  .end = {}});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(ReasonOfFailed(turn), "PROVIDER_INTERNAL");
  EXPECT_TRUE(turn.output_partial());
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(FallbackTest, ARequestThatIsWrongIsWrongEverywhere) {
  Fail(chat::v1::INVALID_REQUEST);

  EXPECT_EQ(ReasonOfFailed(Outcome(Accepted(Request("x")))), "INVALID_REQUEST");
}

TEST_F(FallbackTest, WhenAllFailTheLastSaysWhy) {
  Fail(chat::v1::PROVIDER_QUOTA);
  Fail(chat::v1::PROVIDER_AUTH);

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(ReasonOfFailed(turn), "PROVIDER_AUTH");
  EXPECT_EQ(provider_.requests().size(), 2u);
}

TEST_F(FallbackTest, AContextGoesToALargerWindowIfThatIsListed) {
  config_.mutable_models(1)->set_context_window_tokens(100000);
  config_.mutable_models(0)->mutable_fallbacks(0)->add_on("CONTEXT_WINDOW");
  Restart();

  const Turn turn = Outcome(Accepted(Request(std::string(100000, 'x'))));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED) << turn.DebugString();
  EXPECT_THAT(Models(), ElementsAre("other/echo"));
  EXPECT_EQ(session_.begins().back().context().max_tokens(), 100000 - 100);
}

TEST_F(FallbackTest, WhatDoesNotFitTheFallbackFailsAsTheFirstDid) {
  config_.mutable_models(1)->set_context_window_tokens(1000);
  Restart();
  Fail(chat::v1::PROVIDER_QUOTA);

  EXPECT_EQ(ReasonOfFailed(Outcome(Accepted(Request(std::string(10000, 'x'))))), "PROVIDER_QUOTA");
}

TEST_F(FallbackTest, APrimaryThatIsLeftAloneIsNotCalled) {
  Break();

  const auto events = Watch(Accepted(Request("x")));

  EXPECT_EQ(events.back().finished().turn().model(), "other/echo");
  EXPECT_THAT(Models(), ElementsAre("sim/echo", "other/echo", "other/echo"));
  EXPECT_THAT(events, Contains(testing::Property(&TurnEvent::has_started, true)).Times(1));
}

TEST_F(FallbackTest, ACallThatIsCutIsBilledAtThePriceOfTheModelThatWasCalled) {
  Break();
  provider_.Next({.events = {FakeProviderPeer::Delta("so far")}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto live = core_->GetLive(principal_, name);
    return live.ok() && live->has_first_output_time();
  }));
  v1::CancelTurnRequest cancel;
  cancel.set_name(name);
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());

  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.model(), "other/echo");
  EXPECT_EQ(turn.cost_nano_usd(),
            10000 * turn.usage().input_tokens() + 20000 * turn.usage().output_tokens());
}

TEST_F(FallbackTest, WhatCannotBeSentTwiceGoesOnAndIsNoAttempt) {
  auto failure = FakeProviderPeer::Failure(chat::v1::PROVIDER_UNREACHABLE);
  failure.mutable_failed()->set_not_sent(true);
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {failure}, .end = {}});

  EXPECT_EQ(Outcome(Accepted(Request("x"))).model(), "other/echo");
  EXPECT_THAT(Models(), ElementsAre("sim/echo", "sim/echo", "other/echo"));
  EXPECT_EQ(provider_.requests().back().attempt(), 1);
}

class OutageTest : public FallbackTest {
 protected:
  void SetUp() override {
    auto& breaker = *config_.mutable_models(0)->mutable_breaker();
    breaker.set_failures(1);
    breaker.set_failure_share(0.5);
    *breaker.mutable_open() = ToProto(absl::Milliseconds(20));
    *breaker.mutable_max_open() = ToProto(absl::Hours(1));
    Restart();
  }
};

TEST_F(OutageTest, WithoutAFallbackAJobRidesOutAShortOutage) {
  Fail(chat::v1::PROVIDER_INTERNAL, 2);

  EXPECT_EQ(Outcome(Accepted(Request("x"))).state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 3u);
}

TEST_F(OutageTest, WithoutAFallbackATurnThatMayNotWaitFailsAtOnceSayingWhy) {
  Fail(chat::v1::PROVIDER_AUTH);
  EXPECT_EQ(ReasonOfFailed(Outcome(Accepted(Request("x")))), "PROVIDER_AUTH");
  auto request = Request("x");
  request.set_job(false);
  request.mutable_turn()->set_on_disconnect(chat::v1::CONTINUE);
  *request.mutable_turn()->mutable_max_wait() = ToProto(absl::Minutes(59));

  const Turn turn = Outcome(Accepted(request));
  EXPECT_EQ(ReasonOfFailed(turn), "PROVIDER_AUTH");
  EXPECT_THAT(turn.error().message(), HasSubstr("sim/echo: every provider of the model"));
  EXPECT_EQ(provider_.requests().size(), 1u);
}

class LanesTest : public DispatcherCoreTest {
 protected:
  void SetUp() override {
    for (const char* provider : {"east", "west"}) {
      auto* lane = config_.mutable_models(0)->add_lanes();
      lane->set_provider(provider);
      lane->set_weight(1);
    }
    Restart();
  }
};

TEST_F(LanesTest, ASessionStaysOnItsLane) {
  for (int i = 0; i < 4; ++i) Outcome(Accepted(Request("x", "s1")));

  for (const auto& request : provider_.requests()) {
    EXPECT_EQ(request.provider(), provider_.requests().front().provider());
    EXPECT_EQ(request.model(), "sim/echo");
  }
}

TEST_F(LanesTest, AttemptsAfterTheFirstGoToAnotherLane) {
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::PROVIDER_INTERNAL)}, .end = {}});

  EXPECT_EQ(Outcome(Accepted(Request("x"))).state(), Turn::SUCCEEDED);
  ASSERT_EQ(provider_.requests().size(), 2u);
  EXPECT_NE(provider_.requests()[0].provider(), provider_.requests()[1].provider());
}

}  // namespace
}  // namespace penstock::dispatcher
