// What a crash leaves of a turn with tools, in each of its states.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/dispatcher/dispatcher_tools_fixture.h"

namespace penstock::dispatcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<absl::Status> Away() {
  return std::vector<absl::Status>(1000, absl::UnavailableError("away"));
}

class ToolsRecoveryTest : public ToolsTest {
 protected:
  // The journal has what the condition wants of the only turn in it.
  template <class Condition>
  bool Journaled(Condition condition) {
    return Eventually([&] {
      const auto unfinished = journal_.unfinished();
      return !unfinished.empty() && condition(unfinished.begin()->second);
    });
  }
  // Accepted for a caller who watches, and has gone by now.
  std::string AwaitingSynchronously() {
    NextCalls({"c1"});
    auto request = Request("where?");
    request.set_job(false);
    const std::string name = Run(core_->Submit(principal_, request, "", true))->turn_name;
    const auto watcher = Run(core_->Watch(principal_, name, 0, false));
    EXPECT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
    return name;
  }
};

TEST_F(ToolsRecoveryTest, BeforeItsStepIsDurableTheTurnRunsAgain) {
  NextHangs("let me");
  const std::string name = Accepted(Request("where?"));
  ASSERT_TRUE(Journaled([](const auto& turn) { return turn.started.has_value(); }));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  NextCalls({"c1"});

  Restart();

  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  ASSERT_TRUE(SubmitResults(name).ok());
  EXPECT_EQ(Outcome(name).run(), 2);
  EXPECT_THAT(provider_.requests(), SizeIs(3));
}

TEST_F(ToolsRecoveryTest, AStepThatSessionStateDidNotTakeInTimeIsNotAskedForAgain) {
  session_.FailAppends(Away());
  NextCalls({"c1"});
  const std::string name = Accepted(Request("where?"));
  ASSERT_TRUE(Journaled([](const auto& turn) { return turn.generated.has_value(); }));
  session_.FailAppends({});

  Restart();

  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  EXPECT_THAT(provider_.requests(), SizeIs(1));
  EXPECT_THAT(session_.steps(name), SizeIs(1));
  ASSERT_TRUE(SubmitResults(name).ok());
  const Turn turn = Outcome(name);
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "result of c1", "ok"));
  EXPECT_EQ(turn.usage().output_tokens(), 20);
}

TEST_F(ToolsRecoveryTest, AWaitingTurnWaitsOnWithoutAWatcher) {
  const std::string name = AwaitingSynchronously();
  const auto before = core_->GetLive(principal_, name);

  Restart();

  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  const auto after = core_->GetLive(principal_, name);
  EXPECT_EQ(after->pending_tool_calls(0).DebugString(),
            before->pending_tool_calls(0).DebugString());
  // Takes longer than the grace.
  NextHangs();
  auto expires = Request("x", "s2");
  *expires.mutable_deadline() = ToProto(absl::Now() + absl::Milliseconds(100));
  EXPECT_EQ(Outcome(Accepted(expires)).state(), Turn::EXPIRED);
  EXPECT_EQ(StateOf(name), Turn::AWAITING_TOOLS);
}

TEST_F(ToolsRecoveryTest, AWaitingTurnGoesOnWithItsResultsAndIsNeverAskedAgainForItsStep) {
  const std::string name = Awaiting();

  Restart();

  ASSERT_TRUE(SubmitResults(name).ok());
  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.run(), 2);
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "result of c1", "ok"));
  EXPECT_EQ(turn.cost_nano_usd(), 2468);
  EXPECT_THAT(provider_.requests(), SizeIs(2));
}

TEST_F(ToolsRecoveryTest, ATurnMayWaitOverAnyNumberOfRestarts) {
  const std::string name = Awaiting();
  for (int i = 0; i < 5; ++i) {
    Restart();
    ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  }

  ASSERT_TRUE(SubmitResults(name).ok());

  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(ToolsRecoveryTest, AStepThatKillsItsProcessThreeTimesIsADeadLetterWithTheStepsBeforeIt) {
  const std::string name = Awaiting();
  for (int i = 0; i < 4; ++i) NextHangs();
  ASSERT_TRUE(SubmitResults(name).ok());
  for (size_t calls = 2; calls <= 4; ++calls) {
    ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == calls; }));
    Restart();
  }

  const Turn turn = Outcome(name);

  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEAD_LETTER");
  EXPECT_FALSE(turn.output_partial());
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "result of c1"));
  EXPECT_THAT(provider_.requests(), SizeIs(4));
}

TEST_F(ToolsRecoveryTest, JournaledResultsAreNotLostAndTheNextStepRunsAgain) {
  const std::string name = Awaiting();
  NextHangs("it is h");
  ASSERT_TRUE(SubmitResults(name).ok());
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));

  Restart();

  EXPECT_THAT(OutputOf(Outcome(name)), ElementsAre("let me see", "call c1", "result of c1", "ok"));
  ASSERT_THAT(provider_.requests(), SizeIs(3));
  EXPECT_EQ(provider_.requests()[2].messages(2).parts(0).tool_result().content(), "result of c1");
}

TEST_F(ToolsRecoveryTest, AWatcherOfAnOlderRunKeepsWhatItSawUpToTheLastFinishedStep) {
  const std::string name = Awaiting();
  int64_t started = 0, finished = 0, asked = 0;
  {
    auto events = Run(core_->Watch(principal_, name, 0, false));
    const auto batch = Run(events->Next({}));
    for (const auto& event : batch->events) {
      if (event.has_started()) started = event.index();
      if (event.has_step_finished()) finished = event.index();
      if (event.has_tool_calls_requested()) asked = event.index();
    }
  }
  ASSERT_EQ(asked, finished + 1);

  Restart();
  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  const auto seen = [&](int64_t after) {
    auto events = Run(core_->Watch(principal_, name, after, false));
    return Run(events->Next({}))->events;
  };

  const auto behind = seen(started);
  ASSERT_THAT(behind, SizeIs(4));
  // What it had seen of the step may not be all of it.
  EXPECT_LT(behind[0].restarted().keep_through_index(), started);
  EXPECT_EQ(behind[1].index(), finished);
  EXPECT_EQ(behind[1].step_finished().message().parts(0).text().text(), "let me see");
  EXPECT_EQ(behind[2].index(), asked);
  EXPECT_EQ(behind[3].restarted().keep_through_index(), finished);
  const auto level = seen(asked);
  ASSERT_THAT(level, SizeIs(1));
  EXPECT_EQ(level[0].restarted().keep_through_index(), finished);
  EXPECT_GT(level[0].index(), asked);
  const auto fresh = seen(0);
  ASSERT_THAT(fresh, SizeIs(3));
  EXPECT_TRUE(fresh[0].has_accepted());
  EXPECT_EQ(fresh[2].index(), asked);
}

TEST_F(ToolsRecoveryTest, ARunningSynchronousTurnWaitsForAWatcherAndKeepsItsStepsWithoutOne) {
  const std::string name = AwaitingSynchronously();
  NextHangs();
  const auto watcher = Run(core_->Watch(principal_, name, 0, false));
  ASSERT_TRUE(SubmitResults(name).ok());
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));

  Restart();

  ASSERT_TRUE(Reaches(name, Turn::CANCELLED));
  const auto turn = Run(core_->Get(principal_, name));
  EXPECT_THAT(OutputOf(*turn), ElementsAre("let me see", "call c1", "result of c1"));
  EXPECT_THAT(provider_.requests(), SizeIs(2));
}

TEST_F(ToolsRecoveryTest, ResultsWaitUntilItIsKnownWhereTheTurnStands) {
  const std::string name = Awaiting();
  session_.FailBegins(Away());
  Restart();

  auto submitted = std::async(std::launch::async, [&] { return SubmitResults(name); });
  EXPECT_EQ(submitted.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  session_.FailBegins({});

  const auto turn = submitted.get();
  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(ToolsRecoveryTest, TheRequestIdOfResultsIsKnownAfterARestart) {
  const std::string name = Awaiting();
  NextHangs();
  ASSERT_TRUE(SubmitResults(ResultsOf(name, {"c1"}, "tools-1")).ok());

  Restart();

  EXPECT_TRUE(SubmitResults(ResultsOf(name, {"c1"}, "tools-1")).ok());
  EXPECT_EQ(ReasonOf(SubmitResults(ResultsOf(name, {"c2"}, "tools-1")).status()),
            "REQUEST_ID_REUSED");
}

TEST_F(ToolsRecoveryTest, TheTimeToAnswerCountsFromTheQuestion) {
  const std::string name = Awaiting();
  *config_.mutable_turn()->mutable_tool_timeout() = ToProto(absl::Milliseconds(1));

  Restart();

  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::EXPIRED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "TOOL_TIMEOUT");
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "error for c1"));
}

TEST_F(ToolsRecoveryTest, ACancelledWaitingTurnStaysCancelledOverACrash) {
  const std::string name = Awaiting();
  session_.FailCommits(Away());
  ASSERT_TRUE(Cancel(name).ok());
  session_.FailCommits({});

  Restart();

  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "error for c1"));
}

TEST_F(ToolsRecoveryTest, ANewerOwnerFencesAStep) {
  NextHangs();
  const std::string name = Accepted(Request("where?"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  const std::string awaiting = Awaiting({"c1"}, "s2");
  session_.Fence();

  ASSERT_TRUE(SubmitResults(awaiting).ok());

  EXPECT_TRUE(Eventually([&] { return ReasonOf(Submit(Request("y")).status()) == "OWNER_MOVED"; }));
  EXPECT_THAT(session_.commits(), IsEmpty());
}

}  // namespace
}  // namespace penstock::dispatcher
