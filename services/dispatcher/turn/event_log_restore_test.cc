// Logs of turns that were taken up again after a restart.
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "services/dispatcher/turn/event_log.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::TurnEvent;
using testing::ElementsAre;
using testing::IsEmpty;

const absl::Time kTime = absl::FromUnixSeconds(1'700'000'000);
// Of the first run, in an older epoch.
constexpr int64_t kSeen = PackEventIndex({.epoch = 3, .run = 1, .sequence = 50});
constexpr int64_t kStep = kSeen + 10;

TurnEvent Accepted() {
  TurnEvent event;
  event.mutable_accepted();
  return event;
}
TurnEvent Delta(const std::string& text) {
  TurnEvent event;
  event.mutable_delta()->set_text(text);
  return event;
}
const std::string kForgetAll = absl::StrCat("restarted ", kAcceptedIndex - kStep);

std::vector<TurnEvent> StepWithCalls() {
  std::vector<TurnEvent> events(2);
  events[0].set_index(kStep);
  events[0].mutable_step_finished();
  events[1].set_index(kStep + 1);
  events[1].mutable_tool_calls_requested();
  return events;
}

std::string Brief(const TurnEvent& event) {
  switch (event.event_case()) {
    case TurnEvent::kAccepted:
      return "accepted";
    case TurnEvent::kDelta:
      return "delta " + event.delta().text();
    case TurnEvent::kStepFinished:
      return absl::StrCat("step ", event.index() - kStep);
    case TurnEvent::kToolCallsRequested:
      return absl::StrCat("tools ", event.index() - kStep);
    case TurnEvent::kRestarted:
      return absl::StrCat("restarted ", event.restarted().keep_through_index() - kStep);
    case TurnEvent::kFinished:
      return "finished";
    default:
      return "?";
  }
}

class EventLogRestoreTest : public testing::Test {
 protected:
  EventLogRestoreTest() { log_->Append(Accepted(), kTime); }

  static Awaitable<void> Read(EventReader& reader, std::stop_token stop,
                              std::vector<std::string>& seen) {
    const auto batch = co_await reader.Read(std::move(stop));
    if (!batch.ok()) co_return;
    for (const TurnEvent& event : batch->events) seen.push_back(Brief(event));
  }
  // What there is now for a reader; nothing when it would have to wait.
  std::vector<std::string> ReadNow(EventReader& reader) {
    std::vector<std::string> seen;
    std::stop_source stop;
    Spawn(executor_, Read(reader, stop.get_token(), seen));
    stop.request_stop();
    io_.run();
    io_.restart();
    return seen;
  }
  std::vector<std::string> SeenAfter(int64_t index, bool outcome_only = false) {
    return ReadNow(**log_->Attach(index, outcome_only));
  }

  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
  std::shared_ptr<EventLog> log_ = EventLog::Create(4, 2, kTime, nullptr, /*continued=*/true);
};

TEST_F(EventLogRestoreTest, ShowsNothingButAcceptedBeforeItsStepsAreKnown) {
  log_->Append(Delta("x"), kTime);

  EXPECT_THAT(SeenAfter(0), ElementsAre("accepted"));
  EXPECT_THAT(SeenAfter(kSeen), IsEmpty());
}

TEST_F(EventLogRestoreTest, AReaderGetsTheStepsItHasNotSeenAtTheirOldIndices) {
  log_->Restore(StepWithCalls());

  EXPECT_THAT(SeenAfter(0), ElementsAre("accepted", "step 0", "tools 1"));
  EXPECT_THAT(SeenAfter(kSeen), ElementsAre(kForgetAll, "step 0", "tools 1", "restarted 0"));
  EXPECT_THAT(SeenAfter(kStep), ElementsAre("tools 1", "restarted 0"));
  EXPECT_THAT(SeenAfter(kStep + 1), ElementsAre("restarted 0"));
  EXPECT_THAT(SeenAfter(kStep, /*outcome_only=*/true), ElementsAre("tools 1"));
}

TEST_F(EventLogRestoreTest, ThenTheNewRunFollowsAndNobodyIsToldTwice) {
  const auto old = *log_->Attach(kSeen, false);
  const auto fresh = *log_->Attach(0, false);
  EXPECT_THAT(ReadNow(*fresh), ElementsAre("accepted"));
  log_->Restore(StepWithCalls());
  EXPECT_THAT(ReadNow(*old), ElementsAre(kForgetAll, "step 0", "tools 1", "restarted 0"));
  EXPECT_THAT(ReadNow(*fresh), ElementsAre("step 0", "tools 1"));

  log_->Append(Delta("x"), kTime);

  EXPECT_THAT(ReadNow(*old), ElementsAre("delta x"));
  EXPECT_THAT(ReadNow(*fresh), ElementsAre("delta x"));
  EXPECT_THAT(SeenAfter(kSeen),
              ElementsAre(kForgetAll, "step 0", "tools 1", "restarted 0", "delta x"));
}

TEST_F(EventLogRestoreTest, WithoutStepsAllDeltasAreToBeForgotten) {
  log_->Restore({});
  const auto events = SeenAfter(kSeen);

  EXPECT_THAT(events, ElementsAre(kForgetAll));
}

// What came between was lost with the dispatcher: nothing may be missing behind the last delta.
TEST_F(EventLogRestoreTest, WhoHasSeenAllOfAStepForgetsNothing) {
  log_->Restore(StepWithCalls());

  EXPECT_THAT(SeenAfter(kStep - 1), ElementsAre("step 0", "tools 1", "restarted 0"));
}

// The reader has text of its step by the first run; the second has finished that step.
TEST_F(EventLogRestoreTest, TextOfARunWhoseStepAnotherFinishedIsForgottenBeforeThatStep) {
  auto steps = StepWithCalls();
  const int64_t other = PackEventIndex({.epoch = 3, .run = 2, .sequence = 7});
  steps[0].set_index(other);
  steps[1].set_index(other + 1);
  log_->Restore(std::move(steps));

  const std::string keeps_step = absl::StrCat("restarted ", other - kStep);
  EXPECT_THAT(SeenAfter(kSeen), ElementsAre(kForgetAll, absl::StrCat("step ", other - kStep),
                                            absl::StrCat("tools ", other + 1 - kStep), keeps_step));
  EXPECT_THAT(SeenAfter(other), ElementsAre(absl::StrCat("tools ", other + 1 - kStep), keeps_step));
}

TEST_F(EventLogRestoreTest, TextThatIsNotOfTheOutcomeIsForgottenBeforeTheEnd) {
  log_->Restore({});
  log_->TellOtherRun(2, kTime);
  log_->Append(Delta("mine"), kTime);
  TurnEvent finished;
  finished.mutable_finished();

  log_->TellOtherRun(2, kTime);
  log_->Append(finished, kTime);

  EXPECT_THAT(SeenAfter(0), ElementsAre("accepted", "delta mine", kForgetAll, "finished"));
}

TEST_F(EventLogRestoreTest, AnEndShowsItAll) {
  TurnEvent finished;
  finished.mutable_finished();
  log_->Append(finished, kTime);

  EXPECT_THAT(SeenAfter(0), ElementsAre("accepted", "finished"));
}

TEST_F(EventLogRestoreTest, ReservedIndicesAreThoseOfTheStepAndItsCalls) {
  log_->Restore({});
  log_->Append(Delta("abc"), kTime);
  const int64_t index = log_->Reserve();
  TurnEvent step;
  step.set_index(index);
  step.mutable_step_finished();
  TurnEvent calls;
  calls.set_index(index + 1);
  calls.mutable_tool_calls_requested();

  log_->Append(step, kTime);
  log_->Append(calls, kTime);
  log_->Append(Delta("d"), kTime);

  EXPECT_THAT(SeenAfter(index - 1),
              ElementsAre(absl::StrCat("step ", index - kStep),
                          absl::StrCat("tools ", index + 1 - kStep), "delta d"));
  EXPECT_THAT(SeenAfter(index + 1), ElementsAre("delta d"));
}

TEST_F(EventLogRestoreTest, PiecesOfToolCallsAreNoText) {
  log_->Append(Delta("text"), kTime);
  TurnEvent arguments = Delta("{\"a\":");
  arguments.mutable_delta()->set_part(1);
  arguments.mutable_delta()->set_kind(chat::v1::Delta::TOOL_ARGUMENTS);
  log_->Append(arguments, kTime);

  const chat::v1::Message text = log_->TextOf(0);

  ASSERT_EQ(text.parts_size(), 1);
  EXPECT_EQ(text.parts(0).text().text(), "text");
}

}  // namespace
}  // namespace penstock::dispatcher
