// What a user and a tenant may ask for, over fake peers and a journal in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

using testing::HasSubstr;

// An answer of the fake provider takes 110 tokens and 1234 nano-USD.
constexpr int64_t kTokens = 110;
constexpr int64_t kNanoUsd = 1234;

class DispatcherAdmissionTest : public DispatcherCoreTest {
 protected:
  config::v1::Tier& Tier() { return *config_.mutable_tiers(0); }
  // Runs a turn to its settlement.
  void RunToSettlement(const std::string& session) {
    EXPECT_EQ(Outcome(Accepted(Request("x", session))).state(), Turn::SUCCEEDED);
    EXPECT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
  }
  // What the journal has.
  v1::Amount SpentByUser() {
    return Run(journal_.LoadCounters(principal_.key)).value().spent().amount();
  }
  v1::Amount SpentByTenant() {
    return Run(journal_.LoadTenantCounters("t1")).value().spent().amount();
  }
};

TEST_F(DispatcherAdmissionTest, CountsAcceptedTurnsOfAnHourAlsoAfterARestart) {
  Tier().set_turns_per_hour(2);
  Restart();
  const auto first = Request("1");
  const std::string name = Accepted(first);
  auto impossible = Request("2");
  impossible.mutable_turn()->set_agent("agents/none");
  EXPECT_FALSE(Submit(impossible).ok());
  EXPECT_EQ(Accepted(first), name);
  Accepted(Request("3"));

  const absl::Status refused = Submit(Request("4")).status();

  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "USER_RATE");
  EXPECT_EQ(MetadataOf(refused, "limit"), "2");
  EXPECT_EQ(MetadataOf(refused, "class"), "CLASS_FREE");
  EXPECT_GT(RetryAfterOf(refused).value(), absl::Minutes(59));
  EXPECT_LE(RetryAfterOf(refused).value(), absl::Minutes(61));
  EXPECT_THAT(SaidBy(refused), HasSubstr("the 2 messages that your plan allows in an hour"));
  EXPECT_EQ(Accepted(first), name);
  Restart();
  EXPECT_EQ(ReasonOf(Submit(Request("5")).status()), "USER_RATE");
  EXPECT_EQ(Accepted(first), name);
}

TEST_F(DispatcherAdmissionTest, AReloadCountsForWhatIsSubmittedFromThenOn) {
  Tier().set_turns_per_hour(1);
  Restart();
  Accepted(Request("1"));
  EXPECT_EQ(ReasonOf(Submit(Request("2")).status()), "USER_RATE");

  config::v1::Config changed = config_;
  changed.mutable_tiers(0)->set_turns_per_hour(3);
  changed.mutable_queue()->set_first_turns_per_hour(0);
  core_->Reload(changed);

  Accepted(Request("2"));
  EXPECT_TRUE(Submit(Request("3", "s2")).ok());
  EXPECT_EQ(ReasonOf(Submit(Request("4")).status()), "USER_RATE");
}

TEST_F(DispatcherAdmissionTest, ATurnThatCannotBeJournaledIsNotCounted) {
  Tier().set_turns_per_hour(1);
  Restart();
  faults_.Add("AppendSubmitted", Fault::kBefore, absl::UnavailableError("disk full"));
  EXPECT_FALSE(Submit(Request("1")).ok());

  faults_.Add("AppendSubmitted", Fault::kAfter, absl::UnavailableError("the answer is lost"));
  EXPECT_TRUE(Submit(Request("2")).ok());
  EXPECT_EQ(ReasonOf(Submit(Request("3")).status()), "USER_RATE");
}

TEST_F(DispatcherAdmissionTest, ATierThatIsNotConfiguredIsRefused) {
  identity::Principal golden = principal_;
  golden.tier = "gold";

  const absl::Status refused = Run(core_->Submit(golden, Request("x"), "", false)).status();

  EXPECT_EQ(ReasonOf(refused), "FIELD_INVALID");
  EXPECT_THAT(refused.message(), HasSubstr("free, paid"));
}

TEST_F(DispatcherAdmissionTest, BooksWhatTurnsTookUntilTheBudgetOfTheDayIsUsedUp) {
  Tier().set_tokens_per_day(2 * kTokens);
  Restart();
  RunToSettlement("s1");
  RunToSettlement("s1");

  const absl::Status refused = Submit(Request("x")).status();

  EXPECT_EQ(ReasonOf(refused), "USER_BUDGET");
  EXPECT_THAT(refused.message(), HasSubstr("220 tokens spent today"));
  EXPECT_LE(RetryAfterOf(refused).value(), absl::Hours(24));
  EXPECT_THAT(SaidBy(refused), HasSubstr("what your plan allows in a day"));
  Restart();
  EXPECT_EQ(ReasonOf(Submit(Request("x")).status()), "USER_BUDGET");
}

TEST_F(DispatcherAdmissionTest, WhatRunningTurnsMayTakeIsReservedAlsoAfterARestart) {
  // The first turn is expected to take its input and 100 tokens of output.
  Tier().set_tokens_per_day(90);
  Restart();
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x", "s1"));
  EXPECT_EQ(ReasonOf(Submit(Request("x", "s2")).status()), "USER_BUDGET");

  Restart();
  const absl::Status refused = Submit(Request("x", "s2")).status();
  EXPECT_EQ(ReasonOf(refused), "USER_BUDGET");
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(10));

  v1::CancelTurnRequest cancel;
  cancel.set_name(name);
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  EXPECT_EQ(Outcome(name).state(), Turn::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return Submit(Request("y", "s3")).ok(); }));
}

TEST_F(DispatcherAdmissionTest, ATenantsBudgetHoldsForItsUsersTogether) {
  config_.add_tenants()->set_name("t1");
  config_.mutable_tenants(0)->set_usd_per_day(2e-6);
  Restart();
  RunToSettlement("s1");
  const identity::Principal other{
      "t1", "u2", "paid", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u2")};
  const auto submit = [&] { return Run(core_->Submit(other, Request("x", "s2"), "", false)); };
  ASSERT_TRUE(submit().ok());
  ASSERT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));

  EXPECT_EQ(ReasonOf(submit().status()), "TENANT_BUDGET");
  EXPECT_EQ(SpentByTenant().nano_usd(), 2 * kNanoUsd);
  Restart();
  EXPECT_EQ(ReasonOf(submit().status()), "TENANT_BUDGET");
}

TEST_F(DispatcherAdmissionTest, ASettlementIsBookedOnceHoweverItsWriteFails) {
  Tier().set_tokens_per_day(1000);
  Restart();
  faults_.Add("Settle", Fault::kBefore, absl::UnavailableError("disk full"));
  EXPECT_EQ(Outcome(Accepted(Request("x", "s1"))).state(), Turn::SUCCEEDED);
  Restart();
  EXPECT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
  EXPECT_EQ(SpentByUser().tokens(), kTokens);

  faults_.Add("Settle", Fault::kAfter, absl::UnavailableError("the answer is lost"));
  RunToSettlement("s2");
  RunToSettlement("s3");

  int64_t recount = 0;
  for (const auto& [turn, row] : journal_.usage()) {
    recount += row.usage().input_tokens() + row.usage().output_tokens();
  }
  EXPECT_EQ(recount, 3 * kTokens);
  EXPECT_EQ(SpentByUser().tokens(), recount);
  EXPECT_EQ(SpentByTenant().tokens(), recount);
}

// Turns whose calls take 3 s by the clock.
class DispatcherDoomedTest : public DispatcherAdmissionTest {
 protected:
  void LearnSlowCalls() {
    for (int i = 0; i < 5; ++i) {
      auto slow = FakeProviderPeer::Answer("ok");
      slow.before_last = [this] { clock_.Advance(absl::Seconds(3)); };
      provider_.Next(std::move(slow));
      RunToSettlement("s1");
    }
  }
  v1::SubmitTurnRequest Within(absl::Duration time, const std::string& session) {
    auto request = Request("x", session);
    *request.mutable_deadline() = ToProto(clock_.Now() + time);
    return request;
  }
};

TEST_F(DispatcherDoomedTest, ATurnWhoseAnswerWouldComeTooLateIsRefused) {
  LearnSlowCalls();

  const absl::Status refused = Submit(Within(absl::Seconds(2), "s1")).status();

  EXPECT_EQ(ReasonOf(refused), "WAIT_TOO_LONG");
  EXPECT_EQ(MetadataOf(refused, "eta_ms"), "0");
  EXPECT_THAT(refused.message(), HasSubstr("its answer take about 3"));
  EXPECT_TRUE(Submit(Within(absl::Seconds(20), "s1")).ok());
}

TEST_F(DispatcherDoomedTest, ATurnThatHasWaitedTooLongForAnAnswerEndsWithoutACall) {
  LearnSlowCalls();
  std::vector<std::string> running;
  for (size_t i = 0; i < 2; ++i) {
    provider_.Next({.events = {}, .end = {}, .hangs = true});
    running.push_back(Accepted(Request("x", "hanging" + std::to_string(i))));
    ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 6 + i; }));
  }
  const std::string name = Accepted(Within(absl::Seconds(20), "s1"));
  clock_.Advance(absl::Seconds(18));

  v1::CancelTurnRequest cancel;
  cancel.set_name(running[0]);
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());

  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::EXPIRED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEADLINE");
  EXPECT_THAT(turn.error().message(), HasSubstr("the model was not called"));
  EXPECT_EQ(provider_.requests().size(), 7u);
  EXPECT_THAT(metrics_.Render(), HasSubstr("penstock_dispatcher_doomed_total 1"));
  // The permit is free again.
  EXPECT_EQ(Outcome(Accepted(Within(absl::Seconds(60), "s2"))).state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherAdmissionTest, WithoutLimitsNothingIsCounted) {
  for (int i = 0; i < 10; ++i) RunToSettlement("s1");

  EXPECT_EQ(Run(journal_.LoadCounters(principal_.key))->minutes_size(), 0);
  EXPECT_EQ(SpentByUser().tokens(), 0);
}

}  // namespace
}  // namespace penstock::dispatcher
