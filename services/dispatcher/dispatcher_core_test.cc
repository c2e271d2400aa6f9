// The rules of a turn's life, one test a rule.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Property;
using testing::SizeIs;

TEST_F(DispatcherCoreTest, RunsATurnFromAcceptedToFinished) {
  const std::string name = Accepted(Request("hello"));

  const auto events = Watch(name);

  ASSERT_THAT(events, SizeIs(5));
  EXPECT_EQ(events[0].accepted().turn(), name);
  EXPECT_EQ(events[1].started().model(), "sim/echo");
  EXPECT_EQ(events[2].delta().text(), "ok");
  EXPECT_TRUE(events[3].has_step_finished());
  const Turn& turn = events[4].finished().turn();
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.sequence(), 1);
  EXPECT_EQ(turn.cost_nano_usd(), 1234);
  EXPECT_EQ(turn.run(), 1);
  for (size_t i = 1; i < events.size(); ++i) EXPECT_GT(events[i].index(), events[i - 1].index());
}

TEST_F(DispatcherCoreTest, HandsTheEndedTurnToMemoryAndForgetsTheJob) {
  const std::string name = Accepted(Request("hello"));
  memory_.FailIngests({absl::UnavailableError("memory-recall is away")});

  EXPECT_TRUE(Eventually([&] { return memory_.ingested() == std::vector<std::string>{name}; }));
  EXPECT_TRUE(Eventually([&] { return journal_.jobs() == 0 && journal_.unfinished().empty(); }));
}

TEST_F(DispatcherCoreTest, TurnsOfASessionRunOneAtATimeInOrder) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string first = Accepted(Request("1"));
  const std::string second = Accepted(Request("2"));
  const std::string third = Accepted(Request("3"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  EXPECT_EQ(session_.begins().size(), 1u);

  v1::CancelTurnRequest cancel;
  cancel.set_name(first);
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  EXPECT_EQ(Outcome(third).sequence(), 3);

  EXPECT_THAT(session_.commits(), ElementsAre(first, second, third));
}

TEST_F(DispatcherCoreTest, RefusesMoreTurnsThanASessionMayQueue) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (int i = 0; i < 3; ++i) Accepted(Request("x"));

  const auto fourth = Submit(Request("x"));

  EXPECT_EQ(ReasonOf(fourth.status()), "SESSION_QUEUE_FULL");
  EXPECT_TRUE(RetryAfterOf(fourth.status()).has_value());
  EXPECT_THAT(SaidBy(fourth.status()), HasSubstr("wait until the first of them is answered"));
}

TEST_F(DispatcherCoreTest, RefusesATurnOfABusySessionWhenAskedTo) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string running = Accepted(Request("1"));
  auto request = Request("2");
  request.mutable_turn()->set_on_conflict(chat::v1::REJECT);

  const auto second = Submit(request);

  EXPECT_EQ(second.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(second.status()), "SESSION_BUSY");
  EXPECT_THAT(second.status().message(), HasSubstr(running));
  EXPECT_TRUE(RetryAfterOf(second.status()).has_value());
  request.set_session("sessions/idle");
  EXPECT_TRUE(Submit(request).ok());
}

TEST_F(DispatcherCoreTest, InterruptsTheRunningTurnWithTheAcceptanceOfTheNext) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string running = Accepted(Request("1"));
  const std::string waiting = Accepted(Request("2"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  auto request = Request("3");
  request.mutable_turn()->set_on_conflict(chat::v1::INTERRUPT);

  const std::string third = Accepted(request);

  EXPECT_EQ(Outcome(running).state(), Turn::CANCELLED);
  EXPECT_EQ(Outcome(waiting).state(), Turn::SUCCEEDED);
  EXPECT_EQ(Outcome(third).sequence(), 3);
  EXPECT_THAT(session_.commits(), ElementsAre(running, waiting, third));
}

TEST_F(DispatcherCoreTest, RefusesATurnThatWouldWaitLongerThanItsCallerAllows) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  Accepted(Request("1"));
  Accepted(Request("2"));
  auto request = Request("3");
  // Two turns of its session are before it, and a call is expected to take 2 s.
  *request.mutable_turn()->mutable_max_wait() = ToProto(absl::Seconds(1));

  const auto refused = Submit(request);

  EXPECT_EQ(ReasonOf(refused.status()), "WAIT_TOO_LONG");
  EXPECT_TRUE(RetryAfterOf(refused.status()).has_value());
  *request.mutable_turn()->mutable_max_wait() = ToProto(absl::Hours(1));
  EXPECT_TRUE(Submit(request).ok());
}

TEST_F(DispatcherCoreTest, SameRequestIdIsTheSameTurn) {
  auto request = Request("hello");
  const std::string name = Accepted(request);

  EXPECT_EQ(Accepted(request), name);
  Outcome(name);
  EXPECT_EQ(Accepted(request), name);
  request.mutable_turn()->mutable_input(0)->mutable_text()->set_text("other");
  EXPECT_EQ(ReasonOf(Submit(request).status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, RefusesBeforeAnythingIsStored) {
  auto unknown = Request("x");
  unknown.mutable_turn()->set_create_session(false);
  auto agent = Request("x");
  agent.mutable_turn()->set_agent("agents/none");
  auto action = Request("x");
  action.mutable_turn()->set_urgency(chat::v1::ACTION);
  auto late = Request("x");
  *late.mutable_deadline() = ToProto(absl::Now() - absl::Seconds(1));
  auto model = Request("x");
  model.mutable_turn()->mutable_overrides()->set_model("sim/echo");

  EXPECT_EQ(ReasonOf(Submit(unknown).status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Submit(agent).status()), "AGENT_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Submit(action).status()), "SCOPE_MISSING");
  EXPECT_EQ(ReasonOf(Submit(late).status()), "DEADLINE_IN_PAST");
  EXPECT_EQ(ReasonOf(Submit(model).status()), "OVERRIDE_FORBIDDEN");
  EXPECT_TRUE(journal_.unfinished().empty());
}

TEST_F(DispatcherCoreTest, AJournalThatCannotBeWrittenRefusesTheTurn) {
  const auto request = Request("x");
  faults_.Add("AppendSubmitted", Fault::kBefore,
              Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", "disk full"));

  EXPECT_EQ(ReasonOf(Submit(request).status()), "STORE_UNAVAILABLE");
  EXPECT_TRUE(core_->ListLive(principal_, "sessions/-")->empty());
  EXPECT_EQ(Outcome(Accepted(request)).state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherCoreTest, ASubmissionThatWasJournaledAfterAllIsAccepted) {
  faults_.Add("AppendSubmitted", Fault::kAfter, absl::UnavailableError("the answer is lost"));

  EXPECT_EQ(Outcome(Accepted(Request("x"))).state(), Turn::SUCCEEDED);
  EXPECT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
}

TEST_F(DispatcherCoreTest, ACancelThatIsNotJournaledIsRefusedAndTheTurnRunsOn) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  faults_.Add("AppendCancelRequested", Fault::kBefore, absl::UnavailableError("disk full"));
  v1::CancelTurnRequest cancel;
  cancel.set_name(name);

  EXPECT_FALSE(Run(core_->Cancel(principal_, cancel)).ok());
  EXPECT_FALSE(core_->GetLive(principal_, name)->cancel_requested());
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  EXPECT_EQ(Outcome(name).state(), Turn::CANCELLED);
}

TEST_F(DispatcherCoreTest, TriesAgainWhileTheCallerHasSeenNothing) {
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::PROVIDER_OVERLOADED)}, .end = {}});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  ASSERT_EQ(provider_.requests().size(), 2u);
  EXPECT_EQ(provider_.requests()[1].attempt(), 2);
}

TEST_F(DispatcherCoreTest, AFailureAfterTheFirstDeltaEndsTheTurnWithItsPartialOutput) {
  provider_.Next({.events = {FakeProviderPeer::Delta("half an ans"),
                             FakeProviderPeer::Failure(chat::v1::STREAM_TRUNCATED)},
                  .end = {}});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "STREAM_TRUNCATED");
  EXPECT_TRUE(turn.output_partial());
  EXPECT_EQ(turn.output(0).parts(0).text().text(), "half an ans");
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, ACallThatNoAdapterTookIsNoAttempt) {
  provider_.Next({.events = {}, .end = absl::UnavailableError("no adapter")});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests()[1].attempt(), 1);
}

TEST_F(DispatcherCoreTest, CancelKeepsTheTextSoFarUnlessItIsToBeDiscarded) {
  for (const bool discard : {false, true}) {
    provider_.Next({.events = {FakeProviderPeer::Delta("so far")}, .end = {}, .hangs = true});
    const std::string name = Accepted(Request("x", discard ? "s2" : "s1"));
    ASSERT_TRUE(Eventually([&] {
      const auto live = core_->GetLive(principal_, name);
      return live.ok() && live->has_first_output_time();
    }));
    v1::CancelTurnRequest cancel;
    cancel.set_name(name);
    cancel.set_discard_output(discard);
    const auto answer = Run(core_->Cancel(principal_, cancel));

    ASSERT_TRUE(answer.ok()) << answer.status();
    const Turn turn = Outcome(name);
    EXPECT_EQ(turn.state(), Turn::CANCELLED);
    EXPECT_TRUE(turn.cancel_requested());
    EXPECT_EQ(turn.output_partial(), !discard);
    EXPECT_TRUE(turn.usage().estimated());
    // A dollar a million tokens in, two out.
    EXPECT_EQ(turn.cost_nano_usd(),
              1000 * turn.usage().input_tokens() + 2000 * turn.usage().output_tokens());
  }
}

// A permit is there at once when the context is.
TEST_F(DispatcherCoreTest, ATurnCancelledWhileItsContextComesIsNeitherSentNorBilled) {
  memory_.on_recall = [&] {
    v1::CancelTurnRequest cancel;
    cancel.set_name(TurnName("s1", journal_.unfinished().begin()->first));
    EXPECT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  };

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_TRUE(provider_.requests().empty());
  EXPECT_EQ(turn.usage().input_tokens(), 0);
}

TEST_F(DispatcherCoreTest, ACancelledTurnThatNeverBeganIsStoredWithItsInput) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string head = Accepted(Request("1"));
  const std::string behind = Accepted(Request("2"));
  v1::CancelTurnRequest cancel;
  cancel.set_name(behind);

  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());

  const Turn turn = Outcome(behind);
  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_EQ(turn.input(0).text().text(), "2");
  EXPECT_THAT(session_.commits(), ElementsAre(behind));
}

TEST_F(DispatcherCoreTest, AnUnwatchedTurnIsCancelledAfterTheGraceAndAJobIsNot) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  auto request = Request("x");
  request.set_job(false);
  const std::string name = Accepted(request);

  EXPECT_TRUE(Eventually([&] { return !session_.commits().empty(); }));
  EXPECT_EQ(Outcome(name).state(), Turn::CANCELLED);
  EXPECT_EQ(Outcome(Accepted(Request("y"))).state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherCoreTest, TheDeadlineEndsATurnExpired) {
  provider_.Next({.events = {FakeProviderPeer::Delta("so far")}, .end = {}, .hangs = true});
  auto request = Request("x");
  *request.mutable_deadline() = ToProto(absl::Now() + absl::Milliseconds(100));

  const Turn turn = Outcome(Accepted(request));

  EXPECT_EQ(turn.state(), Turn::EXPIRED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEADLINE");
  EXPECT_TRUE(turn.output_partial());
}

TEST_F(DispatcherCoreTest, WaitsForSessionStateBeforeAndAfterTheGeneration) {
  session_.FailBegins({absl::UnavailableError("away"), absl::DeadlineExceededError("slow")});
  session_.FailCommits({absl::UnavailableError("away"), absl::UnavailableError("away")});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, StepFinishedOfTheLastStepFollowsCommitTurn) {
  session_.FailCommits(std::vector<absl::Status>(1000, absl::UnavailableError("away")));
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return !unfinished.empty() && unfinished.begin()->second.generated.has_value();
  }));
  auto events = Run(core_->Watch(principal_, name, 0, false));
  ASSERT_TRUE(events.ok());

  const auto before = Run(events->Next({}));
  session_.FailCommits({});
  const auto after = Watch(name, before->events.back().index());

  for (const TurnEvent& event : before->events) {
    EXPECT_TRUE(event.has_accepted() || event.has_queued() || event.has_started() ||
                event.has_delta())
        << event.DebugString();
  }
  EXPECT_THAT(after, Contains(Property(&TurnEvent::has_step_finished, true)));
}

TEST_F(DispatcherCoreTest, GoesOnWithoutMemoriesWhenRecallFails) {
  memory_.recall = absl::DeadlineExceededError("too slow");

  EXPECT_TRUE(Outcome(Accepted(Request("x"))).recall_degraded());
}

TEST_F(DispatcherCoreTest, DeletingASessionCancelsItsTurnsFirst) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  Accepted(Request("1"));
  Accepted(Request("2"));

  ASSERT_TRUE(Run(core_->CancelSession(principal_, "sessions/s1")).ok());

  EXPECT_EQ(session_.commits().size(), 2u);
  EXPECT_TRUE(core_->ListLive(principal_, "sessions/s1")->empty());
}

TEST_F(DispatcherCoreTest, AnotherUsersTurnIsNotFound) {
  const std::string name = Accepted(Request("x"));
  const identity::Principal other{
      "t1", "u11", "free", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u11")};

  EXPECT_EQ(ReasonOf(core_->GetLive(other, name).status()), "TURN_NOT_FOUND");
  EXPECT_TRUE(core_->ListLive(other, "sessions/-")->empty());
}

}  // namespace
}  // namespace penstock::dispatcher
