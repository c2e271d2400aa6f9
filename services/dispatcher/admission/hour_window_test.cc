#include "services/dispatcher/admission/hour_window.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

// Half a minute past.
const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000 - 1'700'000'000 % 60 + 30);

TEST(HourWindow, ATurnCountsUntilTheSixtiethMinuteAfterItsOwnHasEnded) {
  Minutes minutes;
  AddTurn(kStart, minutes);
  const absl::Time end = kStart + absl::Minutes(60) + absl::Seconds(30);

  DropOldMinutes(end - absl::Milliseconds(1), minutes);
  EXPECT_EQ(TurnsIn(minutes), 1);
  DropOldMinutes(end, minutes);
  EXPECT_EQ(TurnsIn(minutes), 0);
}

TEST(HourWindow, SaysExactlyWhenTheNextTurnFits) {
  Minutes minutes;
  for (int minute : {0, 0, 1, 5}) AddTurn(kStart + absl::Minutes(minute), minutes);
  const absl::Time now = kStart + absl::Minutes(10);

  EXPECT_EQ(UntilFewerThan(5, now, minutes), absl::ZeroDuration());
  for (int64_t limit = 1; limit <= 4; ++limit) {
    const absl::Duration until = UntilFewerThan(limit, now, minutes);
    Minutes before = minutes;
    Minutes then = minutes;
    DropOldMinutes(now + until - absl::Nanoseconds(1), before);
    DropOldMinutes(now + until, then);

    EXPECT_GE(TurnsIn(before), limit);
    EXPECT_LT(TurnsIn(then), limit);
  }
}

TEST(HourWindow, KeepsMinutesInOrderAndOnce) {
  Minutes minutes;
  for (int minute : {3, 1, 2, 1, 3}) AddTurn(kStart + absl::Minutes(minute), minutes);

  ASSERT_EQ(minutes.size(), 3);
  EXPECT_EQ(minutes[0].minute() + 2, minutes[2].minute());
  EXPECT_EQ(minutes[0].turns(), 2);
  EXPECT_EQ(minutes[1].turns(), 1);
  EXPECT_EQ(minutes[2].turns(), 2);
}

TEST(HourWindow, WhatIsTakenBackLeavesNothing) {
  Minutes minutes;
  AddTurn(kStart, minutes);
  AddTurn(kStart, minutes);

  RemoveTurn(kStart, minutes);
  EXPECT_EQ(TurnsIn(minutes), 1);
  RemoveTurn(kStart, minutes);
  EXPECT_TRUE(minutes.empty());
  RemoveTurn(kStart, minutes);
  EXPECT_TRUE(minutes.empty());
}

}  // namespace
}  // namespace penstock::dispatcher
