// What a restart, a crash and a takeover leave of a turn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

using testing::SizeIs;

TEST_F(DispatcherCoreTest, RunsAnUnfinishedTurnAgainAfterARestart) {
  provider_.Next({.events = {FakeProviderPeer::Delta("lost")}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return !unfinished.empty() && unfinished.begin()->second.started.has_value() &&
           !provider_.requests().empty();
  }));

  Restart();

  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.run(), 2);
  const auto begins = session_.begins();
  EXPECT_LT(begins.front().fence().epoch(), begins.back().fence().epoch());
}

TEST_F(DispatcherCoreTest, ARecoveryMakesTheSessionsOfUnfinishedTurnsBeforeItServes) {
  session_.FailBegins(std::vector<absl::Status>(1000, absl::UnavailableError("away")));
  const std::string name = Accepted(Request("x", "new"));
  session_.ForgetSessions();

  Restart();

  EXPECT_TRUE(session_.Has("sessions/new"));
  session_.FailBegins({});
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherCoreTest, ASessionStateThatIsAwayKeepsNoDispatcherFromServing) {
  session_.FailBegins({absl::UnavailableError("away")});
  const std::string name = Accepted(Request("x", "new"));
  session_.FailEnsures({absl::UnavailableError("away")});

  Restart();

  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherCoreTest, AStopDoesNotWaitForATurnWhoseTimeEndedBehindItsSessionsHead) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string head = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  auto request = Request("y");
  const absl::Time deadline = absl::Now() + absl::Seconds(2);
  *request.mutable_deadline() = ToProto(deadline);
  const std::string name = Accepted(request);
  // As if an earlier life had started it, and lost the end of the one before it.
  v1::Started started;
  started.set_starts(1);
  const std::string turn_id = name.substr(name.rfind('/') + 1);
  ASSERT_TRUE(Run(journal_.AppendStarted(principal_.key, turn_id, started)).ok());
  session_.FailBegins(std::vector<absl::Status>(1000, absl::UnavailableError("away")));
  Restart();
  ASSERT_TRUE(Eventually([&] { return absl::Now() > deadline + absl::Milliseconds(50); }));

  Restart();

  session_.FailBegins({});
  EXPECT_EQ(Outcome(head).state(), Turn::SUCCEEDED);
  EXPECT_EQ(Outcome(name).state(), Turn::EXPIRED);
}

TEST_F(DispatcherCoreTest, SettlesATurnThatHadEndedBeforeTheCrashWithoutAProviderCall) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] { return !provider_.requests().empty(); }));
  Turn ended;
  ended.set_name(name);
  ended.set_state(Turn::SUCCEEDED);
  session_.End(ended);

  Restart();

  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 1u);
  EXPECT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
}

TEST_F(DispatcherCoreTest, SettlesAgainAfterARestartWhatTheJournalDidNotTake) {
  faults_.Add("Settle", Fault::kBefore, absl::UnavailableError("disk full"));
  const std::string name = Accepted(Request("x"));
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_EQ(journal_.unfinished().size(), 1u);

  Restart();

  EXPECT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, AnEndThatCanBeNeitherCommittedNorKeptIsTriedUntilOneWorks) {
  session_.FailCommits(std::vector<absl::Status>(3, absl::UnavailableError("away")));
  faults_.Add("AppendGenerated", Fault::kBefore, absl::UnavailableError("disk full"), 1000);

  EXPECT_EQ(Outcome(Accepted(Request("x"))).state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, CommitsAGenerationThatWasKeptBeforeTheCrash) {
  session_.FailCommits(std::vector<absl::Status>(1000, absl::UnavailableError("away")));
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return !unfinished.empty() && unfinished.begin()->second.generated.has_value();
  }));
  session_.FailCommits({});
  session_.ForgetBegins();

  Restart();

  EXPECT_EQ(Outcome(name).output(0).parts(0).text().text(), "ok");
  EXPECT_EQ(provider_.requests().size(), 1u);
}

// A power cut of session-state takes the begin, which is not synced, of a turn that is then
// cancelled.
TEST_F(DispatcherCoreTest, ACancelledTurnWhoseBeginWasLostBeginsAgainAndEnds) {
  provider_.Next({.events = {FakeProviderPeer::Delta("some")}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto live = core_->GetLive(principal_, name);
    return live.ok() && live->has_first_output_time();
  }));
  session_.ForgetBegins();
  v1::CancelTurnRequest cancel;
  cancel.set_name(name);
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());

  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_EQ(session_.begins().size(), 2u);
}

TEST_F(DispatcherCoreTest, ATurnThatKilledItsProcessThreeTimesIsADeadLetter) {
  for (int i = 0; i < 4; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  for (size_t run = 1; run <= 3; ++run) {
    ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == run; }));
    Restart();
  }

  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEAD_LETTER");
  EXPECT_EQ(provider_.requests().size(), 3u);
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("penstock_dispatcher_dead_letters_total 1"));
}

TEST_F(DispatcherCoreTest, GivesTheShardUpWhenItIsFenced) {
  session_.Fence();
  const std::string name = Accepted(Request("x"));

  EXPECT_TRUE(Eventually([&] { return ReasonOf(Submit(Request("y")).status()) == "OWNER_MOVED"; }));
  EXPECT_TRUE(session_.commits().empty());
  EXPECT_TRUE(journal_.unfinished().contains(name.substr(name.rfind('/') + 1)));
}

TEST_F(DispatcherCoreTest, AWatcherOfAnOlderRunIsToldToForgetItsDeltas) {
  provider_.Next({.events = {FakeProviderPeer::Delta("lost")}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto live = core_->GetLive(principal_, name);
    return live.ok() && live->has_first_output_time();
  }));
  // As seen before the crash: an index of the first run.
  const int64_t seen = PackEventIndex({.epoch = 1, .run = 1, .sequence = 4});
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return unfinished.begin()->second.started.has_value();
  }));

  Restart();

  const auto events = Watch(name, seen);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events.front().has_restarted());
  EXPECT_GT(events.front().index(), seen);
}

TEST_F(DispatcherCoreTest, AnEndedTurnIsWatchedFromSessionStateOnceItsEventsAreGone) {
  const std::string name = Accepted(Request("x"));
  Outcome(name);
  Restart();

  const auto events = Watch(name);

  ASSERT_THAT(events, SizeIs(3));
  EXPECT_TRUE(events[0].has_accepted());
  EXPECT_EQ(events[1].step_finished().message().parts(0).text().text(), "ok");
  EXPECT_EQ(events[2].finished().turn().state(), Turn::SUCCEEDED);
}

}  // namespace
}  // namespace penstock::dispatcher
