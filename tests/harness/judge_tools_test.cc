#include <gtest/gtest.h>

#include "tests/harness/judge.h"

namespace penstock::harness {
namespace {

const char kTurn[] = "sessions/s/turns/t";
const char kResult[] = "12:00";

absl::Time At(int second) { return absl::UnixEpoch() + absl::Seconds(second); }

// A turn that asked for a tool, got its result, and ended.
class JudgeToolsTest : public testing::Test {
 protected:
  JudgeToolsTest() {
    run_.intents.push_back({"r", "u", "sessions/s", 1});
    run_.told.push_back({"r", Answer::kAcknowledged, At(1), kTurn});
    run_.provider_calls.push_back({.turn = "t", .start = At(2), .text = "the time?"});
    run_.tool_waits.push_back({kTurn, 0, At(3), At(4), {kResult}});
    run_.provider_calls.push_back(
        {.turn = "t", .start = At(5), .text = "the time? 12:00", .step = 1});
    run_.stored.push_back({.user = "u",
                           .name = kTurn,
                           .sequence = 1,
                           .state = chat::v1::Turn::SUCCEEDED,
                           .request_id = "r",
                           .tool_results = {kResult}});
  }

  std::vector<std::string>& stored_results() { return run_.stored[0].tool_results; }

  void ExpectOnly(Verdict verdict) const {
    const Report report = Judge(run_);
    EXPECT_EQ(report.Count(verdict), 1) << report.ToString();
    EXPECT_EQ(report.offences.size(), 1) << report.ToString();
  }

  History run_;
};

TEST_F(JudgeToolsTest, EachStepIsSentOnce) {
  const Report report = Judge(run_);

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(report.counts.provider_calls, 2);
  EXPECT_EQ(report.counts.repeated_provider_calls, 0);
}

TEST_F(JudgeToolsTest, AStepThatIsSentAgainIsCounted) {
  run_.provider_calls.push_back(
      {.turn = "t", .start = At(6), .text = "the time? 12:00", .step = 1});

  EXPECT_EQ(Judge(run_).counts.repeated_provider_calls, 1);
}

TEST_F(JudgeToolsTest, AResultThatIsNotStoredIsLost) {
  stored_results().clear();

  ExpectOnly(Verdict::kLost);
}

TEST_F(JudgeToolsTest, AResultThatIsStoredTwiceIsDoubled) {
  stored_results().push_back(kResult);

  ExpectOnly(Verdict::kDoubled);
}

TEST_F(JudgeToolsTest, AResultThatTheNextStepDoesNotShowIsLost) {
  run_.provider_calls[1].text = "the time?";

  ExpectOnly(Verdict::kLost);
}

TEST_F(JudgeToolsTest, AResultThatWasRefusedIsNotLookedFor) {
  run_.tool_waits[0].answered = absl::InfiniteFuture();
  stored_results() = {"the turn was cancelled"};
  run_.provider_calls.pop_back();

  EXPECT_TRUE(Judge(run_).clean());
}

}  // namespace
}  // namespace penstock::harness
