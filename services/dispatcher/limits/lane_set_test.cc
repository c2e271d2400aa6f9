#include "services/dispatcher/limits/lane_set.h"

#include <gtest/gtest.h>

#include "services/dispatcher/limits/rate_limiter.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kStart = absl::Seconds(1000);
constexpr CallSize kSmall{.input_tokens = 10, .output_tokens = 10};

LaneSet::Lane Lane(const std::string& name, int32_t concurrency, double weight = 1,
                   int64_t tokens_per_minute = 0) {
  config::v1::Model model;
  model.set_concurrency(concurrency);
  model.mutable_limits()->set_tokens_per_minute(tokens_per_minute);
  return {.name = name,
          .limiter = std::make_unique<RateLimiter>(model, kStart - absl::Minutes(10)),
          .weight = weight};
}

class LaneSetTest : public testing::Test {
 protected:
  template <class... Lanes>
  void Make(Lanes... lanes) {
    std::vector<LaneSet::Lane> all;
    (all.push_back(std::move(lanes)), ...);
    lanes_ = std::make_unique<LaneSet>(std::move(all), /*seed=*/1);
  }

  int Reserve(LaneSet::Call call = {.size = kSmall}) {
    const LaneSet::Choice choice = lanes_->Reserve(next_, call, now_);
    if (choice.lane != LaneSet::kNone) ++next_;
    return choice.lane;
  }
  PermitId last() const { return next_ - 1; }
  void Fail(int lane) { lanes_->Failed(lane, last(), chat::v1::PROVIDER_INTERNAL, {}, now_); }
  // One lane at a time.
  void Break(int lane) {
    for (int i = 0; i < 5; ++i) {
      ASSERT_EQ(Reserve({.size = kSmall, .lanes = uint64_t{1} << lane}), lane);
      Fail(lane);
    }
  }
  // Calls that end at once.
  std::vector<int> Spread(int calls, absl::Duration east = {}, absl::Duration west = {}) {
    std::vector<int> count(static_cast<size_t>(lanes_->size()));
    for (int i = 0; i < calls; ++i) {
      const int lane = Reserve();
      ++count[static_cast<size_t>(lane)];
      const absl::Duration delay = lane == 0 ? east : west;
      if (delay > absl::ZeroDuration()) lanes_->FirstOutput(lane, last(), delay, now_);
      lanes_->Settle(lane, last(), {}, now_);
    }
    return count;
  }

  std::unique_ptr<LaneSet> lanes_;
  PermitId next_ = 1;
  absl::Duration now_ = kStart;
};

TEST_F(LaneSetTest, SharesCallsByWeight) {
  Make(Lane("east", 100, 3), Lane("west", 100, 1));

  const std::vector<int> count = Spread(400);

  EXPECT_NEAR(count[0], 300, 2);
}

TEST_F(LaneSetTest, SharesCallsByTimeToFirstOutput) {
  Make(Lane("east", 100), Lane("west", 100));
  Spread(100, absl::Milliseconds(200), absl::Milliseconds(800));

  const std::vector<int> count = Spread(500, absl::Milliseconds(200), absl::Milliseconds(800));

  EXPECT_NEAR(count[0], 400, 10);
}

TEST_F(LaneSetTest, TheEmptierLaneGetsMore) {
  Make(Lane("east", 100), Lane("west", 100));
  for (int i = 0; i < 80; ++i) ASSERT_EQ(Reserve({.size = kSmall, .lanes = 1}), 0);

  const std::vector<int> count = Spread(120);

  EXPECT_NEAR(count[1], 100, 3);
}

TEST_F(LaneSetTest, UsesTheRoomOfEveryLane) {
  Make(Lane("east", 2), Lane("west", 3));
  for (int i = 0; i < 5; ++i) EXPECT_NE(Reserve(), LaneSet::kNone) << i;

  EXPECT_EQ(Reserve(), LaneSet::kNone);
  EXPECT_EQ(lanes_->in_flight(), 5);
  EXPECT_EQ(lanes_->concurrency(now_), 5);
}

TEST_F(LaneSetTest, TheSessionsLastLaneComesFirstWhileItHasRoom) {
  Make(Lane("east", 100, 1000), Lane("west", 2));

  EXPECT_EQ(Reserve({.size = kSmall, .last = 1}), 1);
  EXPECT_EQ(Reserve({.size = kSmall, .last = 1}), 1);
  EXPECT_EQ(Reserve({.size = kSmall, .last = 1}), 0);
}

TEST_F(LaneSetTest, ARepetitionGoesToAnotherLaneIfOneHasRoom) {
  Make(Lane("east", 100, 1000), Lane("west", 1));

  EXPECT_EQ(Reserve({.size = kSmall, .last = 0, .failed = 0}), 1);
  EXPECT_EQ(Reserve({.size = kSmall, .last = 0, .failed = 0}), 0);
}

TEST_F(LaneSetTest, WaitsForTheLaneThatIsReadyFirst) {
  Make(Lane("east", 1), Lane("west", 1));
  for (const int lane : {0, 1}) {
    ASSERT_EQ(Reserve({.size = kSmall, .lanes = uint64_t{1} << lane}), lane);
    lanes_->Refused(lane, last(), absl::Seconds(lane == 0 ? 20 : 7), {}, now_);
  }

  EXPECT_EQ(lanes_->Reserve(next_, {.size = kSmall}, now_).wait, absl::Seconds(7));
  EXPECT_EQ(lanes_->PauseLeft(now_), absl::Seconds(7));
}

TEST_F(LaneSetTest, ACallIsPossibleThatOneLaneCouldMake) {
  Make(Lane("east", 10, 1, 1000), Lane("west", 10, 1, 9000));
  const CallSize large{.input_tokens = 2000, .output_tokens = 2000};

  EXPECT_TRUE(lanes_->CheckPossible(large).ok());
  EXPECT_EQ(lanes_->LanesFor(large), 0b10u);
  EXPECT_FALSE(lanes_->CheckPossible({.input_tokens = 9000, .output_tokens = 2000}).ok());
  EXPECT_EQ(Reserve({.size = large, .lanes = lanes_->LanesFor(large), .last = 0}), 1);
}

TEST_F(LaneSetTest, WhatAnOnlyLaneCannotMakeIsNotPossible) {
  Make(Lane("east", 10, 1, 1000));

  EXPECT_TRUE(lanes_->CheckPossible({.input_tokens = 100, .output_tokens = 100}).ok());
  EXPECT_FALSE(lanes_->CheckPossible({.input_tokens = 2000, .output_tokens = 2000}).ok());
}

TEST_F(LaneSetTest, ALaneThatFailsIsLeftAloneWhileTheOthersServe) {
  Make(Lane("east", 10, 1000), Lane("west", 10));
  Break(0);

  EXPECT_EQ(lanes_->Load(0, now_).breaker, Breaker::State::kOpen);
  EXPECT_EQ(Reserve({.size = kSmall, .last = 0}), 1);
  EXPECT_FALSE(lanes_->OutageOf(~uint64_t{0}, now_).has_value());
  EXPECT_EQ(lanes_->OutageOf(0b01, now_)->kind, chat::v1::PROVIDER_INTERNAL);
  EXPECT_EQ(lanes_->concurrency(now_), 10);
}

TEST_F(LaneSetTest, WhenAllHaveFailedOneCallTriesTheFirstThatMayBeTried) {
  Make(Lane("east", 10), Lane("west", 10));
  Break(0);
  now_ += absl::Seconds(2);
  Break(1);
  const auto outage = lanes_->OutageOf(~uint64_t{0}, now_);
  ASSERT_TRUE(outage.has_value());
  EXPECT_LT(outage->wait, absl::Seconds(5));
  EXPECT_EQ(Reserve(), LaneSet::kNone);

  now_ += outage->wait;

  EXPECT_EQ(Reserve(), 0);
  EXPECT_EQ(Reserve(), LaneSet::kNone) << "one trial";
}

TEST_F(LaneSetTest, AfterAnOutageItsConcurrencyClimbsFromATenth) {
  Make(Lane("east", 50));
  Break(0);
  now_ += absl::Seconds(7);
  ASSERT_EQ(Reserve(), 0);
  ASSERT_EQ(Reserve(), LaneSet::kNone);

  EXPECT_TRUE(lanes_->FirstOutput(0, last(), absl::Milliseconds(100), now_));

  EXPECT_EQ(lanes_->concurrency(now_), 6) << "a tenth, and one for the first output";
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Reserve(), 0);
  EXPECT_EQ(Reserve(), LaneSet::kNone);
  EXPECT_TRUE(lanes_->FirstOutput(0, last(), absl::Milliseconds(100), now_));
  EXPECT_EQ(lanes_->concurrency(now_), 7);
}

TEST_F(LaneSetTest, WhatCouldNotBeSentFailsTheLaneAndTakesNothing) {
  Make(Lane("east", 10, 1, 6000));
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(Reserve({.size = {.input_tokens = 100, .output_tokens = 4900}}), 0) << i;
    lanes_->NotSent(0, last(), chat::v1::PROVIDER_UNREACHABLE, now_);
  }

  EXPECT_EQ(lanes_->OutageOf(1, now_)->kind, chat::v1::PROVIDER_UNREACHABLE);
}

TEST_F(LaneSetTest, EachLaneHasItsOwnBudgetOfRetries) {
  Make(Lane("east", 10), Lane("west", 10));
  while (lanes_->TakeRetry(0, now_)) continue;

  EXPECT_TRUE(lanes_->TakeRetry(1, now_));
}

}  // namespace
}  // namespace penstock::dispatcher
