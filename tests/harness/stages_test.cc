#include "tests/harness/stages.h"

#include <gtest/gtest.h>

namespace penstock::harness {
namespace {

absl::Time At(double second) { return absl::UnixEpoch() + absl::Seconds(second); }

const char kTurn[] = "sessions/s/turns/t";

// One turn: acknowledged at 1 s, sent at 2 s, first token at 3 s, answered at 4 s, its end told at
// 6 s.
class StagesTest : public testing::Test {
 protected:
  StagesTest() {
    run_.told.push_back({"r", Answer::kAcknowledged, At(1), kTurn});
    run_.provider_calls.push_back(
        {.turn = "t", .start = At(2), .first_token = At(3), .end = At(4), .completed = true});
    run_.outcomes.push_back({.turn = kTurn, .time = At(6)});
  }

  // "" when the turn is not in flight.
  std::string StageAt(double second, KillSeen kill = {.process = "gateway"}) {
    kill.time = At(second);
    run_.kills = {kill};
    const auto stages = KillsWithStages(run_)[0].stages;
    return stages.contains(kTurn) ? std::string(NameOf(stages.at(kTurn))) : "";
  }

  History run_;
};

TEST_F(StagesTest, FollowWhatCallerAndProviderSaw) {
  EXPECT_EQ(StageAt(0.5), "");
  EXPECT_EQ(StageAt(1.5), "accepted");
  EXPECT_EQ(StageAt(2.5), "begun");
  EXPECT_EQ(StageAt(3.5), "streaming");
  EXPECT_EQ(StageAt(5), "committing");
  EXPECT_EQ(StageAt(6), "");
}

TEST_F(StagesTest, ACallThatBreaksWithTheKillIsStillStreaming) {
  run_.provider_calls[0].completed = false;

  EXPECT_EQ(StageAt(4.01), "streaming");
  EXPECT_EQ(StageAt(5), "accepted");
}

TEST_F(StagesTest, WhetherTheEndWasStoredIsToldByTheNextLifeOfTheDispatcher) {
  EXPECT_EQ(StageAt(5, {.process = "dispatcher"}), "committed-untold");

  run_.provider_calls.push_back({.turn = "t", .start = At(5.5)});
  EXPECT_EQ(StageAt(5, {.process = "dispatcher"}), "committing");
}

TEST_F(StagesTest, WhetherTheEndWasStoredIsToldByTheFailpoint) {
  EXPECT_EQ(StageAt(5, {.process = "session_state",
                        .failpoint = "session_state.commit_turn.after_write",
                        .stage_of_hit = Stage::kCommittedUntold}),
            "committed-untold");
}

TEST_F(StagesTest, ATurnAwaitsToolsFromBeingAskedUntilTheResultsAreAcknowledged) {
  run_.tool_waits.push_back({kTurn, 0, At(4.5), At(5)});
  // Who watches from the start is asked again.
  run_.tool_waits.push_back({kTurn, 0, At(5.5), At(5.6)});

  EXPECT_EQ(StageAt(4.25), "committing");
  EXPECT_EQ(StageAt(4.75), "awaiting tools");
  EXPECT_EQ(StageAt(5.55), "accepted");

  run_.provider_calls.push_back({.turn = "t",
                                 .start = At(5.2),
                                 .first_token = At(5.3),
                                 .end = At(5.4),
                                 .completed = true,
                                 .step = 1});
  EXPECT_EQ(StageAt(5.35), "streaming");
  EXPECT_EQ(StageAt(5.55), "committing");
}

}  // namespace
}  // namespace penstock::harness
