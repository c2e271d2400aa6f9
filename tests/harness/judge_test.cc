#include "tests/harness/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/canary.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using testing::HasSubstr;
using Kind = SeenEvent::Kind;

absl::Time At(int second) { return absl::UnixEpoch() + absl::Seconds(second); }

std::string Name(int order) { return absl::StrCat("sessions/s/turns/t", order); }
std::string Mark(int order) { return absl::StrCat("(mark ", order, ")"); }

// A run without fault: user u, session s, three turns that all succeeded; then one thing is spoilt.
class JudgeTest : public testing::Test {
 protected:
  JudgeTest() {
    std::string prompt;
    for (int order = 1; order <= 3; ++order) {
      const std::string request = absl::StrCat("r", order);
      const std::string input = absl::StrCat(CanaryOf("u"), Mark(order));
      prompt += input;
      run_.intents.push_back({request, "u", "sessions/s", order, Mark(order)});
      run_.told.push_back({request, Answer::kInvoked, At(order)});
      run_.told.push_back({request, Answer::kAcknowledged, At(order), Name(order)});
      run_.provider_calls.push_back({Name(order), 1, At(10 + order), prompt});
      run_.outcomes.push_back({Name(order), Turn::SUCCEEDED, "ab", "WatchTurn", At(20 + order)});
      run_.stored.push_back({"u", Name(order), order, Turn::SUCCEEDED, request, input, "ab"});
    }
    run_.watches.push_back(
        {"u",
         Name(1),
         {{.kind = Kind::kAccepted, .index = 1},
          {.kind = Kind::kStarted, .index = 2, .run = 1},
          {.kind = Kind::kDelta, .index = 3, .text = "a"},
          {.kind = Kind::kDelta, .index = 4, .text = "b"},
          {.kind = Kind::kStepFinished, .index = 5, .text = "ab"},
          {.kind = Kind::kFinished, .index = 6, .text = "ab", .state = Turn::SUCCEEDED}}});
    run_.kills.push_back({"dispatcher", At(11) + absl::Milliseconds(500)});
  }

  // Events of the one watcher.
  std::vector<SeenEvent>& events() { return run_.watches[0].events; }

  void ExpectOnly(Verdict verdict, const std::string& subject, const std::string& why) const {
    const Report report = Judge(run_);
    EXPECT_GT(report.Count(verdict), 0) << report.ToString();
    EXPECT_EQ(report.Count(verdict), report.offences.size()) << report.ToString();
    EXPECT_THAT(report.ToString(), HasSubstr(absl::StrCat(NameOf(verdict), " ", subject, ": ")));
    EXPECT_THAT(report.ToString(), HasSubstr(why));
  }

  History run_;
};

TEST_F(JudgeTest, FindsNothingInAGoodRun) {
  const Report report = Judge(run_);

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(report.counts.intents, 3);
  EXPECT_EQ(report.counts.acknowledged, 3);
  EXPECT_EQ(report.counts.ended, 3);
  EXPECT_THAT(report.ToString(), HasSubstr("kill 1: dispatcher, 3 in flight: 2 accepted, 1 begun"));
}

TEST_F(JudgeTest, ATurnThatIsGoneIsLost) {
  run_.stored.pop_back();
  run_.outcomes.pop_back();
  run_.provider_calls.pop_back();

  ExpectOnly(Verdict::kLost, Name(3), "there is no such turn");
}

TEST_F(JudgeTest, ATurnThatNeverEndedIsLostAndItsStageAtEachKillIsTold) {
  run_.stored[1].state = Turn::RUNNING;
  run_.outcomes.erase(run_.outcomes.begin() + 1);

  ExpectOnly(Verdict::kLost, Name(2), "still RUNNING at the end [kill 1 (dispatcher): accepted]");
}

TEST_F(JudgeTest, TwoTurnsOfOneRequestAreDoubled) {
  run_.told.push_back({"r3", Answer::kAcknowledged, At(5), "sessions/s/turns/t4"});
  run_.stored.push_back({"u", "sessions/s/turns/t4", 4, Turn::SUCCEEDED, "r3", "", "ab"});
  run_.intents.push_back({"r4", "u", "sessions/s", 4});
  run_.told.push_back({"r4", Answer::kRefused, At(5)});

  const Report report = Judge(run_);

  EXPECT_GE(report.Count(Verdict::kDoubled), 2) << report.ToString();
  EXPECT_THAT(report.ToString(), HasSubstr("one request_id became"));
  EXPECT_THAT(report.ToString(), HasSubstr("has the request_id of"));
}

TEST_F(JudgeTest, ATurnListedTwiceIsDoubled) {
  run_.stored.push_back(run_.stored[2]);

  ExpectOnly(Verdict::kDoubled, Name(3), "listed twice");
}

TEST_F(JudgeTest, TwoEndsOfOneTurnAreDoubled) {
  run_.outcomes.push_back({Name(2), Turn::FAILED, "", "GetTurn", At(30)});

  ExpectOnly(Verdict::kDoubled, Name(2), "WatchTurn told SUCCEEDED \"ab\", GetTurn told FAILED");
}

TEST_F(JudgeTest, ATurnThatRunsAfterItsEndIsDoubled) {
  run_.provider_calls.push_back({"t3", 2, At(24), run_.provider_calls[2].text});

  ExpectOnly(Verdict::kDoubled, Name(3), "sent to the provider 1s after its end was told");
}

TEST_F(JudgeTest, ATurnThatRunsAgainBeforeItsEndIsOnlyCounted) {
  run_.provider_calls.push_back({"t3", 1, At(22), run_.provider_calls[2].text});

  const Report report = Judge(run_);

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(report.counts.repeated_provider_calls, 1);
}

TEST_F(JudgeTest, ACallThatIsPaidTwiceIsExplainedByAKillOrNot) {
  run_.provider_calls.push_back({"t3", 2, At(20), run_.provider_calls[2].text});
  EXPECT_EQ(Judge(run_).counts.unexplained_calls, 1);

  EXPECT_THAT(Judge(run_).ToString(),
              HasSubstr("t3 step 0: sent 1.5s after a kill of dispatcher, not answered whole, sent "
                        "again 7s later"));

  run_.kills.push_back({"dispatcher", At(18)});
  EXPECT_EQ(Judge(run_).counts.after_lost_stream, 1);

  run_.provider_calls[2].completed = true;
  run_.provider_calls[2].end = At(17);
  EXPECT_EQ(Judge(run_).counts.after_lost_answer, 1);

  run_.kills.back().process = "session_state";
  EXPECT_EQ(Judge(run_).counts.unexplained_calls, 1);

  // The provider reads it when the process that sent it is no more.
  EXPECT_EQ(Judge(run_).counts.read_after_kill, 0);
  run_.kills.back() = {"provider_adapter", At(13) - absl::Milliseconds(99)};
  EXPECT_EQ(Judge(run_).counts.after_lost_stream, 1);
  EXPECT_EQ(Judge(run_).counts.read_after_kill, 1);
  run_.kills.back().time = At(13) - absl::Milliseconds(101);
  EXPECT_EQ(Judge(run_).counts.unexplained_calls, 1);
}

TEST_F(JudgeTest, ACancelThatWasAcknowledgedAndForgottenIsLost) {
  run_.cancels.push_back({Name(3), At(12)});

  ExpectOnly(Verdict::kLost, Name(3), "1s after the cancel was acknowledged");
}

TEST_F(JudgeTest, ACreateThatWasAcknowledgedIsThereOnce) {
  run_.made = {{"u", "c1", "sessions/a"}, {"u", "c1", "sessions/a"}};
  run_.kept = {{"u", "sessions/a"}};
  EXPECT_TRUE(Judge(run_).clean());

  run_.kept = {{"v", "sessions/a"}};
  ExpectOnly(Verdict::kLost, "sessions/a", "it is not there");

  run_.kept = {{"u", "sessions/a"}, {"u", "sessions/b"}};
  run_.made[1].name = "sessions/b";
  ExpectOnly(Verdict::kDoubled, "sessions/b", "has the request_id of sessions/a");
}

TEST_F(JudgeTest, AnotherOrderThanThatOfAcceptanceIsReordered) {
  std::swap(run_.stored[0].sequence, run_.stored[1].sequence);

  ExpectOnly(Verdict::kReordered, Name(1), "accepted as number 1, stored as 2");
}

TEST_F(JudgeTest, AGapInTheOrderIsReordered) {
  run_.stored[2].sequence = 4;

  ExpectOnly(Verdict::kReordered, Name(3), "accepted as number 3, stored as 4");
}

TEST_F(JudgeTest, AProviderCallAheadOfTheTurnBeforeIsReordered) {
  run_.provider_calls[1].start = At(20);

  ExpectOnly(Verdict::kReordered, Name(3), "sent to the provider before sessions/s/turns/t2");
}

TEST_F(JudgeTest, APromptWithoutTheTurnBeforeIsReordered) {
  run_.provider_calls[2].text = Mark(1) + Mark(3);

  ExpectOnly(Verdict::kReordered, Name(3), "its prompt does not hold sessions/s/turns/t2");
}

class JudgeCrossingTest : public JudgeTest {
 protected:
  JudgeCrossingTest() {
    run_.intents.push_back({"other", "v", "sessions/s", 1});
    run_.told.push_back({"other", Answer::kAcknowledged, At(4), "sessions/s/turns/v1"});
    run_.stored.push_back(
        {"v", "sessions/s/turns/v1", 1, Turn::SUCCEEDED, "other", CanaryOf("v"), "ab"});
  }
};

TEST_F(JudgeCrossingTest, TwoUsersMayNameTheirSessionsAlike) {
  EXPECT_TRUE(Judge(run_).clean()) << Judge(run_).ToString();
}

TEST_F(JudgeCrossingTest, ACanaryOfAnotherUserIsCrossedWhereverItStands) {
  const History good = run_;
  run_.stored[0].output = CanaryOf("v");
  run_.outcomes[0].output = CanaryOf("v");
  ExpectOnly(Verdict::kCrossed, Name(1), "the output shows u what is of v");

  run_ = good;
  run_.provider_calls[0].text += CanaryOf("v");
  ExpectOnly(Verdict::kCrossed, Name(1), "the prompt shows u what is of v");

  run_ = good;
  for (const size_t at : {2, 4, 5}) events()[at].text = CanaryOf("v") + events()[at].text;
  ExpectOnly(Verdict::kCrossed, Name(1), "the events shows u what is of v");
}

TEST_F(JudgeCrossingTest, ATurnInAnotherUsersListIsCrossed) {
  run_.stored[3].user = "u";

  const Report report = Judge(run_);

  EXPECT_EQ(report.Count(Verdict::kCrossed), 2) << report.ToString();
  EXPECT_THAT(report.ToString(), HasSubstr("wanted by v, listed for u"));
}

TEST_F(JudgeTest, TextOfTwoRunsWithoutRestartedIsSpliced) {
  events().insert(events().begin() + 3, {.kind = Kind::kStarted, .index = 3, .run = 2});
  for (size_t i = 3; i < events().size(); ++i) events()[i].index += 1;

  ExpectOnly(Verdict::kSpliced, Name(1), "run 1 became run 2 without Restarted");
}

TEST_F(JudgeTest, RestartedMakesAWatcherForget) {
  events().insert(events().begin() + 3,
                  {{.kind = Kind::kRestarted, .index = 10, .run = 2, .keep_through = 0},
                   {.kind = Kind::kStarted, .index = 11, .run = 2},
                   {.kind = Kind::kDelta, .index = 12, .text = "a"}});
  for (size_t i = 6; i < events().size(); ++i) events()[i].index += 100;

  const Report report = Judge(run_);

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(report.counts.restarted_watches, 1);
}

TEST_F(JudgeTest, DeltasThatAreNotTheStepAreSpliced) {
  events()[3].text = "x";

  ExpectOnly(Verdict::kSpliced, Name(1), "shown \"ax\", but the step is \"ab\"");
}

TEST_F(JudgeTest, StepsThatAreNotTheOutputAreSpliced) {
  events()[5].text = "abc";

  ExpectOnly(Verdict::kSpliced, Name(1), "but the turn's output is \"abc\"");
}

TEST_F(JudgeTest, AStepThatIsToldAgainAfterACrashIsTheSameStep) {
  events().insert(events().begin() + 5,
                  {{.kind = Kind::kRestarted, .index = 10, .run = 2, .keep_through = 1},
                   {.kind = Kind::kStepFinished, .index = 11, .text = "ab"}});
  events().back().index = 12;
  EXPECT_TRUE(Judge(run_).clean()) << Judge(run_).ToString();

  events()[6].text = "ac";
  ExpectOnly(Verdict::kSpliced, Name(1), "step 0 was \"ab\" and became \"ac\"");
}

TEST_F(JudgeTest, AnIndexThatDoesNotRiseIsSpliced) {
  events()[3].index = 3;

  ExpectOnly(Verdict::kSpliced, Name(1), "index 3 after 3");
}

TEST_F(JudgeTest, FinishedTwiceIsDoubled) {
  events().push_back(events().back());
  events().back().index = 7;
  events().back().state = Turn::FAILED;

  ExpectOnly(Verdict::kDoubled, Name(1), "Finished twice");
}

TEST_F(JudgeTest, ASubmissionWithoutAnAnswerIsUnresolved) {
  run_.intents.push_back({"r9", "u", "sessions/t", 1});
  run_.told.push_back({"r9", Answer::kUnknown, At(5), "", "UNAVAILABLE"});

  ExpectOnly(Verdict::kUnresolved, "r9", "never acknowledged and never refused");
}

TEST_F(JudgeTest, ATurnThatNobodyWantedIsAPhantom) {
  run_.stored.push_back({"u", "sessions/z/turns/z1", 1, Turn::SUCCEEDED, "r99", "", ""});

  ExpectOnly(Verdict::kPhantom, "sessions/z/turns/z1", "nobody sent r99");
}

TEST_F(JudgeTest, ATurnOfARefusedSubmissionIsAPhantom) {
  run_.intents.push_back({"r9", "u", "sessions/z", 1});
  run_.told.push_back({"r9", Answer::kRefused, At(5)});
  run_.stored.push_back({"u", "sessions/z/turns/z1", 1, Turn::SUCCEEDED, "r9", "", ""});

  ExpectOnly(Verdict::kPhantom, "sessions/z/turns/z1", "its submission was refused");
}

TEST_F(JudgeTest, AProviderCallOfNoTurnIsAPhantom) {
  run_.provider_calls.push_back({"", 1, At(9), ""});

  ExpectOnly(Verdict::kPhantom, "", "the provider was sent a turn that is nowhere");
}

TEST(Canary, IsFoundInAnyBytesAndCountsOnce) {
  const std::string one = CanaryOf("a/b");
  const std::string two = CanaryOf("u11");

  EXPECT_NE(CanaryOf("u1"), two);
  EXPECT_THAT(CanariesIn(absl::StrCat("canary", one, "\"", two, one, "canary12")),
              testing::ElementsAre(one, two));
}

}  // namespace
}  // namespace penstock::harness
