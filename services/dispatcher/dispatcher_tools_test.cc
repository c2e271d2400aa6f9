// The caller's tools: how a turn waits for them, goes on, or gives up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/dispatcher/dispatcher_tools_fixture.h"

namespace penstock::dispatcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(ToolsTest, ResultsSendTheTurnOnToItsAnswer) {
  const std::string name = Awaiting();
  const auto waiting = core_->GetLive(principal_, name);
  ASSERT_THAT(waiting->pending_tool_calls(), SizeIs(1));
  EXPECT_EQ(waiting->pending_tool_calls(0).name(), "look_up");

  ASSERT_TRUE(SubmitResults(name).ok());

  const auto events = Watch(name);
  std::vector<int> kinds;
  for (const TurnEvent& event : events) {
    if (!event.has_queued()) kinds.push_back(event.event_case());
  }
  EXPECT_THAT(kinds,
              ElementsAre(TurnEvent::kAccepted, TurnEvent::kStarted, TurnEvent::kDelta,
                          TurnEvent::kStepFinished, TurnEvent::kToolCallsRequested,
                          TurnEvent::kDelta, TurnEvent::kStepFinished, TurnEvent::kFinished));
  EXPECT_EQ(events[events.size() - 2].step_finished().step(), 1);
  EXPECT_EQ(events[events.size() - 3].delta().step(), 1);
  const Turn& turn = events.back().finished().turn();
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.finish_reason(), chat::v1::STOP);
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "result of c1", "ok"));
  EXPECT_THAT(turn.pending_tool_calls(), IsEmpty());
}

TEST_F(ToolsTest, TheModelSeesItsCallsAndTheirResultsAfterTheNewestMessage) {
  const std::string name = Awaiting();
  ASSERT_TRUE(SubmitResults(name).ok());
  Outcome(name);

  ASSERT_THAT(provider_.requests(), SizeIs(2));
  const auto request = provider_.requests()[1];
  ASSERT_THAT(request.messages(), SizeIs(3));
  EXPECT_EQ(request.messages(0).role(), chat::v1::USER);
  EXPECT_EQ(request.messages(1).parts(1).tool_call().id(), "c1");
  EXPECT_EQ(request.messages(2).role(), chat::v1::TOOL);
  EXPECT_EQ(request.messages(2).parts(0).tool_result().content(), "result of c1");
  EXPECT_EQ(request.tools(0).name(), "look_up");
}

TEST_F(ToolsTest, UsageAndCostAreTheSumOfAllStepsAndAttempts) {
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::PROVIDER_OVERLOADED)}, .end = {}});
  const std::string name = Awaiting();
  EXPECT_EQ(core_->GetLive(principal_, name)->usage().output_tokens(), 10);
  ASSERT_TRUE(SubmitResults(name).ok());

  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.usage().input_tokens(), 200);
  EXPECT_EQ(turn.usage().output_tokens(), 20);
  EXPECT_EQ(turn.cost_nano_usd(), 2468);
  const std::string id = name.substr(name.rfind('/') + 1);
  ASSERT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
  const auto row = Run(journal_.LoadUsage(principal_.key, id));
  ASSERT_TRUE(row.ok() && row->has_value());
  ASSERT_THAT((*row)->steps(), SizeIs(2));
  EXPECT_EQ((*row)->steps(1).step(), 1);
  EXPECT_EQ((*row)->steps(1).usage().output_tokens(), 10);
  EXPECT_EQ((*row)->usage().output_tokens(), 20);
}

TEST_F(ToolsTest, AWaitingTurnHoldsNoPermit) {
  std::vector<std::string> names;
  for (const char* session : {"s1", "s2", "s3"}) names.push_back(Awaiting({"c1"}, session));

  // The pool has two permits.
  EXPECT_EQ(Outcome(Accepted(Request("x", "s4"))).state(), Turn::SUCCEEDED);
  for (const auto& name : names) ASSERT_TRUE(SubmitResults(name).ok());
  for (const auto& name : names) EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(ToolsTest, ResultsSendATurnBackToItsOriginalPlaceAndItsSessionStaysTaken) {
  const std::string name = Awaiting();
  const std::string behind = Accepted(Request("y", "s1"));
  NextHangs();
  NextHangs();
  const std::string one = Accepted(Request("x", "s2"));
  const std::string two = Accepted(Request("x", "s3"));
  ASSERT_TRUE(Reaches(one, Turn::RUNNING) && Reaches(two, Turn::RUNNING));
  const std::string later = Accepted(Request("x", "s4"));
  ASSERT_TRUE(
      Eventually([&] { return core_->GetLive(principal_, later)->queue().position() == 1; }));

  const auto back = SubmitResults(name);

  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->state(), Turn::QUEUED);
  EXPECT_TRUE(
      Eventually([&] { return core_->GetLive(principal_, later)->queue().position() == 2; }));
  EXPECT_EQ(core_->GetLive(principal_, name)->queue().position(), 1);
  EXPECT_EQ(StateOf(behind), Turn::QUEUED);
  ASSERT_TRUE(Cancel(one).ok());
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_EQ(Outcome(behind).state(), Turn::SUCCEEDED);
}

TEST_F(ToolsTest, WithoutResultsInTimeItIsExpiredAndTheOpenCallsGetErrors) {
  *config_.mutable_turn()->mutable_tool_timeout() = ToProto(absl::Milliseconds(1));
  NextCalls({"c1", "c2"});

  const Turn turn = Outcome(Accepted(Request("where?")));

  EXPECT_EQ(turn.state(), Turn::EXPIRED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "TOOL_TIMEOUT");
  EXPECT_FALSE(turn.output_partial());
  EXPECT_THAT(OutputOf(turn),
              ElementsAre("let me see", "call c1", "call c2", "error for c1", "error for c2"));
}

TEST_F(ToolsTest, TheDeadlineEndsAWaitingTurnToo) {
  NextCalls({"c1"});
  auto request = Request("where?");
  *request.mutable_deadline() = ToProto(absl::Now() + absl::Milliseconds(200));

  const Turn turn = Outcome(Accepted(request));

  EXPECT_EQ(turn.state(), Turn::EXPIRED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEADLINE");
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "error for c1"));
}

TEST_F(ToolsTest, ACancelledTurnsOpenCallsGetErrors) {
  const std::string name = Awaiting();

  ASSERT_TRUE(Cancel(name).ok());

  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_FALSE(turn.output_partial());
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "error for c1"));
  EXPECT_EQ(ReasonOf(SubmitResults(name).status()), "TURN_NOT_AWAITING_TOOLS");
}

TEST_F(ToolsTest, AStepUnderWayIsPartialAndTheStepsBeforeItStay) {
  const std::string name = Awaiting();
  NextHangs("it is h");
  ASSERT_TRUE(SubmitResults(name).ok());
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));
  ASSERT_TRUE(Reaches(name, Turn::RUNNING));
  ASSERT_TRUE(Eventually([&] {
    auto events = Run(core_->Watch(principal_, name, 0, false));
    const auto batch = Run(events->Next({}));
    return batch.ok() && batch->events.back().has_delta() &&
           batch->events.back().delta().step() == 1;
  }));

  ASSERT_TRUE(Cancel(name).ok());

  const Turn turn = Outcome(name);
  EXPECT_TRUE(turn.output_partial());
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "result of c1", "it is h"));
}

TEST_F(ToolsTest, NobodyNeedsToWatchAWaitingTurnAndTheGraceStartsAnewWithTheResults) {
  NextCalls({"c1"});
  auto request = Request("where?");
  request.set_job(false);
  const std::string name = Run(core_->Submit(principal_, request, "", true))->turn_name;
  {
    auto watcher = Run(core_->Watch(principal_, name, 0, false));
    ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  }
  // Takes longer than the grace.
  NextHangs();
  auto expires = Request("x", "s2");
  *expires.mutable_deadline() = ToProto(absl::Now() + absl::Milliseconds(100));
  EXPECT_EQ(Outcome(Accepted(expires)).state(), Turn::EXPIRED);
  EXPECT_EQ(StateOf(name), Turn::AWAITING_TOOLS);

  NextHangs();
  ASSERT_TRUE(SubmitResults(name).ok());

  EXPECT_TRUE(Reaches(name, Turn::CANCELLED));
}

TEST_F(ToolsTest, ResultsMustAnswerEveryOpenCallOnce) {
  const std::string name = Awaiting({"c1", "c2"});

  const absl::Status status = SubmitResults(name, {"c1", "c1", "c7"}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "TOOL_CALL_MISMATCH");
  EXPECT_EQ(MetadataOf(status, "expected_ids"), "c1,c2");
  EXPECT_EQ(MetadataOf(status, "missing_ids"), "c2");
  EXPECT_EQ(MetadataOf(status, "unknown_ids"), "c7");
  EXPECT_EQ(MetadataOf(status, "repeated_ids"), "c1");
  EXPECT_EQ(StateOf(name), Turn::AWAITING_TOOLS);
}

TEST_F(ToolsTest, ResultsThatNobodyWaitsForAreRefused) {
  NextHangs();
  const std::string running = Accepted(Request("x"));
  const std::string ended = Accepted(Request("y", "s2"));
  Outcome(ended);
  const identity::Principal other{
      "t1", "u2", "free", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u2")};

  EXPECT_EQ(ReasonOf(SubmitResults(running).status()), "TURN_NOT_AWAITING_TOOLS");
  EXPECT_EQ(ReasonOf(SubmitResults(ended).status()), "TURN_NOT_AWAITING_TOOLS");
  EXPECT_EQ(ReasonOf(SubmitResults("sessions/s1/turns/none").status()), "TURN_NOT_FOUND");
  EXPECT_EQ(
      ReasonOf(Run(core_->SubmitToolResults(other, ResultsOf("sessions/s9/turns/x", {"c1"}), {}))
                   .status()),
      "TURN_NOT_FOUND");
}

TEST_F(ToolsTest, ResultsAboveTheBoundOfATurnAreTooLarge) {
  const std::string name = Awaiting();
  auto request = ResultsOf(name, {"c1"});
  request.mutable_results(0)->set_content(std::string(1001, 'x'));

  EXPECT_EQ(ReasonOf(SubmitResults(request).status()), "TOO_LARGE");
  EXPECT_EQ(StateOf(name), Turn::AWAITING_TOOLS);
  EXPECT_TRUE(SubmitResults(name).ok());
}

TEST_F(ToolsTest, SameRequestIdIsTheSameSubmission) {
  const std::string name = Awaiting({"c1", "c2"});
  NextHangs();
  ASSERT_TRUE(SubmitResults(ResultsOf(name, {"c1", "c2"}, "tools-1")).ok());
  auto other = ResultsOf(name, {"c1", "c2"}, "tools-1");
  other.mutable_results(0)->set_content("something else");
  auto of_submit = ResultsOf(name, {"c1", "c2"}, "r-1");

  EXPECT_EQ(SubmitResults(ResultsOf(name, {"c2", "c1"}, "tools-1"))->name(), name);
  EXPECT_EQ(ReasonOf(SubmitResults(other).status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonOf(SubmitResults(of_submit).status()), "REQUEST_ID_REUSED");
  ASSERT_TRUE(Cancel(name).ok());
  Outcome(name);
  EXPECT_EQ(SubmitResults(ResultsOf(name, {"c1", "c2"}, "tools-1"))->state(), Turn::CANCELLED);
}

TEST_F(ToolsTest, ARefusalOfResultsIsNotRemembered) {
  const std::string name = Awaiting();

  EXPECT_FALSE(SubmitResults(ResultsOf(name, {"c9"}, "tools-1")).ok());

  EXPECT_TRUE(SubmitResults(ResultsOf(name, {"c1"}, "tools-1")).ok());
}

TEST_F(ToolsTest, ResultsThatAreNotJournaledAreRefusedAndTheCallsStayOpen) {
  const std::string name = Awaiting();
  faults_.Add("AppendToolResults", Fault::kBefore,
              Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", "disk full"));

  EXPECT_EQ(ReasonOf(SubmitResults(ResultsOf(name, {"c1"}, "tools-1")).status()),
            "STORE_UNAVAILABLE");
  EXPECT_EQ(StateOf(name), Turn::AWAITING_TOOLS);
  ASSERT_TRUE(SubmitResults(ResultsOf(name, {"c1"}, "tools-1")).ok());
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(ToolsTest, ResultsThatWereJournaledAfterAllAreTaken) {
  const std::string name = Awaiting();
  faults_.Add("AppendToolResults", Fault::kAfter, absl::UnavailableError("the answer is lost"));

  ASSERT_TRUE(SubmitResults(ResultsOf(name, {"c1"}, "tools-1")).ok());

  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
}

TEST_F(ToolsTest, OfTwoSubmissionsAtOnceTheSecondJoinsTheFirst) {
  const std::string name = Awaiting();
  std::vector<std::future<absl::StatusOr<Turn>>> submissions;
  for (int i = 0; i < 8; ++i) {
    submissions.push_back(std::async(
        std::launch::async, [&] { return SubmitResults(ResultsOf(name, {"c1"}, "tools-1")); }));
  }

  for (auto& submission : submissions) EXPECT_TRUE(submission.get().ok());

  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_THAT(provider_.requests(), SizeIs(2));
}

TEST_F(ToolsTest, ParallelCallsAreAnsweredInOneMessageInTheOrderOfTheCalls) {
  const std::string name = Awaiting({"c1", "c2", "c3"});

  ASSERT_TRUE(SubmitResults(name, {"c3", "c1", "c2"}).ok());

  const Turn turn = Outcome(name);
  ASSERT_THAT(turn.output(), SizeIs(3));
  EXPECT_THAT(OutputOf(turn), ElementsAre("let me see", "call c1", "call c2", "call c3",
                                          "result of c1", "result of c2", "result of c3", "ok"));
}

TEST_F(ToolsTest, AtTheBoundTheModelIsAskedOnceMoreWithoutTools) {
  config_.mutable_turn()->set_max_tool_calls(3);
  const std::string name = Awaiting({"c1", "c2"});
  NextCalls({"c3"});
  ASSERT_TRUE(SubmitResults(name, {"c1", "c2"}).ok());
  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  NextCalls({"c4"});
  ASSERT_TRUE(SubmitResults(name, {"c3"}).ok());

  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.finish_reason(), chat::v1::TOOL_LIMIT);
  EXPECT_EQ(OutputOf(turn).back(), "let me see");
  EXPECT_EQ(provider_.requests()[2].generation().tool_choice().mode(), chat::v1::ToolChoice::NONE);
}

TEST_F(ToolsTest, TheOverridesToolsReplaceTheAgentsIfItAllows) {
  auto request = Request("x");
  request.mutable_turn()->mutable_overrides()->add_tools()->set_name("other");
  EXPECT_EQ(ReasonOf(Submit(request).status()), "OVERRIDE_FORBIDDEN");
  auto choice = Request("x");
  config_.mutable_agents(0)->add_overridable("tools");
  config_.mutable_agents(0)->add_overridable("generation");
  choice.mutable_turn()->mutable_overrides()->mutable_generation()->mutable_tool_choice()->set_tool(
      "none");

  EXPECT_EQ(ReasonOf(Submit(choice).status()), "FIELD_INVALID");
  Outcome(Accepted(request));
  EXPECT_EQ(provider_.requests()[0].tools(0).name(), "other");
}

TEST_F(ToolsTest, ASessionStateThatIsAwayDelaysTheStepAndNothingElse) {
  session_.FailAppends({absl::UnavailableError("away"), absl::DeadlineExceededError("slow")});
  session_.FailBegins({});

  const std::string name = Awaiting();

  ASSERT_TRUE(SubmitResults(name).ok());
  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_THAT(provider_.requests(), SizeIs(2));
}

TEST_F(ToolsTest, MemoryGetsTheWordsAndNotTheToolTraffic) {
  const std::string name = Awaiting();
  ASSERT_TRUE(SubmitResults(name).ok());
  Outcome(name);

  ASSERT_TRUE(Eventually([&] { return memory_.ingested().size() == 1; }));
  const auto request = memory_.last_ingest();
  ASSERT_THAT(request.output(), SizeIs(2));
  for (const auto& message : request.output()) {
    ASSERT_THAT(message.parts(), SizeIs(1));
    EXPECT_TRUE(message.parts(0).has_text());
  }
}

TEST_F(ToolsTest, AnEndedTurnIsWatchedWithEveryStep) {
  const std::string name = Awaiting();
  ASSERT_TRUE(SubmitResults(name).ok());
  Outcome(name);
  Restart();

  const auto events = Watch(name);

  ASSERT_THAT(events, SizeIs(4));
  EXPECT_EQ(events[1].step_finished().step(), 0);
  EXPECT_EQ(events[1].step_finished().message().parts(1).tool_call().id(), "c1");
  EXPECT_EQ(events[2].step_finished().step(), 1);
  EXPECT_TRUE(events[3].has_finished());
}

}  // namespace
}  // namespace penstock::dispatcher
