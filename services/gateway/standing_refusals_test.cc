#include "services/gateway/standing_refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

const AlikeTurns kTurns{
    .tenant = "t", .tier = "free", .urgency = chat::v1::NORMAL, .agent = "agents/a", .model = ""};

absl::Status Full(int64_t holds_ms) {
  return Refusal(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "full")
      .With("holds_ms", absl::StrCat(holds_ms));
}

class StandingRefusalsTest : public testing::Test {
 protected:
  FakeClock clock_;
  obs::Metrics metrics_;
  StandingRefusals refusals_{clock_, metrics_};
};

TEST_F(StandingRefusalsTest, RepeatsARefusalForAsLongAsItHolds) {
  refusals_.Note(kTurns, Full(100));

  EXPECT_EQ(refusals_.Repeat(kTurns), Full(100));
  clock_.Advance(absl::Milliseconds(99));
  EXPECT_TRUE(refusals_.Repeat(kTurns).has_value());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_FALSE(refusals_.Repeat(kTurns).has_value());
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("penstock_gateway_refusals_repeated_total 2"));
}

TEST_F(StandingRefusalsTest, IsForTurnsThatAreAlikeOnly) {
  refusals_.Note(kTurns, Full(100));

  for (const auto& change : std::vector<void (*)(AlikeTurns&)>{
           [](AlikeTurns& turns) { turns.tenant = "u"; },
           [](AlikeTurns& turns) { turns.tier = "paid"; },
           [](AlikeTurns& turns) { turns.urgency = chat::v1::ACTION; },
           [](AlikeTurns& turns) { turns.agent = ""; },
           [](AlikeTurns& turns) { turns.model = "sim/other"; }}) {
    AlikeTurns other = kTurns;
    change(other);
    EXPECT_FALSE(refusals_.Repeat(other).has_value());
  }
}

TEST_F(StandingRefusalsTest, KeepsNothingThatDoesNotSayHowLongItHolds) {
  refusals_.Note(kTurns, absl::OkStatus());
  refusals_.Note(kTurns, Refusal(absl::StatusCode::kResourceExhausted, "USER_RATE", "enough"));
  refusals_.Note(kTurns, Full(0));
  refusals_.Note(kTurns, Full(-5));

  EXPECT_FALSE(refusals_.Repeat(kTurns).has_value());
}

TEST_F(StandingRefusalsTest, BelievesNoRefusalForLongerThanASecond) {
  refusals_.Note(kTurns, Full(1'000'000));

  clock_.Advance(absl::Milliseconds(999));
  EXPECT_TRUE(refusals_.Repeat(kTurns).has_value());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_FALSE(refusals_.Repeat(kTurns).has_value());
}

TEST_F(StandingRefusalsTest, TellsOnceHowManyItRefused) {
  refusals_.Note(kTurns, Full(100));
  for (int i = 0; i < 3; ++i) refusals_.Repeat(kTurns);
  clock_.Advance(absl::Seconds(5));

  EXPECT_EQ(refusals_.TakeCount(kTurns), 3);
  EXPECT_EQ(refusals_.TakeCount(kTurns), 0);
}

TEST_F(StandingRefusalsTest, ForgetsWhatHasEndedWhenThereAreTooMany) {
  AlikeTurns turns = kTurns;
  for (int i = 0; i < 10'000; ++i) {
    turns.agent = absl::StrCat(i);
    refusals_.Note(turns, Full(10));
  }
  refusals_.Note(kTurns, Full(100));
  EXPECT_FALSE(refusals_.Repeat(kTurns).has_value());

  clock_.Advance(absl::Milliseconds(10));
  refusals_.Note(kTurns, Full(100));
  EXPECT_TRUE(refusals_.Repeat(kTurns).has_value());
}

}  // namespace
}  // namespace penstock::gateway
