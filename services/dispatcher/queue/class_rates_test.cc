#include "services/dispatcher/queue/class_rates.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_BATCH;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;

constexpr absl::Duration kNow = absl::Seconds(1000);

ClassShares Shares() {
  ClassShares shares;
  shares[CLASS_FREE].floor = 0.1;
  shares[CLASS_BATCH].cap = 0.5;
  return shares;
}

TEST(ClassRates, AClassWithoutAFloorIsOwedNothing) {
  ClassRates rates(Shares());
  for (int i = 0; i < 10; ++i) rates.Charge(CLASS_BATCH, 100, kNow);

  EXPECT_TRUE(rates.Owed(CLASS_FREE, kNow));
  EXPECT_FALSE(rates.Owed(CLASS_PAID, kNow));
}

TEST(ClassRates, WhatWasNotTakenAfterAllIsOwedAgain) {
  ClassRates rates(Shares());
  rates.Charge(CLASS_PAID, 1000, kNow);
  rates.Charge(CLASS_FREE, 1000, kNow);
  ASSERT_FALSE(rates.Owed(CLASS_FREE, kNow));

  rates.Correct(CLASS_FREE, -995, kNow);
  EXPECT_TRUE(rates.Owed(CLASS_FREE, kNow));
}

TEST(ClassRates, AFloorIsOfWhatIsServed) {
  ClassRates rates(Shares());
  EXPECT_FALSE(rates.Owed(CLASS_FREE, kNow));

  absl::Duration now = kNow;
  for (int i = 0; i < 600; ++i, now += absl::Milliseconds(100)) {
    rates.Charge(CLASS_PAID, 100, now);
  }
  ASSERT_TRUE(rates.Owed(CLASS_FREE, now));
  // A tenth of what is served: of 1,000 before, and of 1,000 more.
  rates.Charge(CLASS_FREE, 200, now);
  EXPECT_FALSE(rates.Owed(CLASS_FREE, now));
  rates.Charge(CLASS_PAID, 700, now);
  EXPECT_FALSE(rates.Owed(CLASS_FREE, now));
  rates.Charge(CLASS_PAID, 200, now);
  EXPECT_TRUE(rates.Owed(CLASS_FREE, now));
}

// The mean of what was served lately is next to nothing then.
TEST(ClassRates, AFloorThatWasServedRightAfterTheStartIsOwedAgainSoon) {
  ClassRates rates(Shares());
  absl::Duration now = kNow;
  rates.Charge(CLASS_FREE, 100, now);

  for (int i = 0; i < 10; ++i, now += absl::Milliseconds(100)) {
    EXPECT_FALSE(rates.Owed(CLASS_FREE, now));
    rates.Charge(CLASS_PAID, 100, now);
  }
  EXPECT_TRUE(rates.Owed(CLASS_FREE, now));
}

TEST(ClassRates, ACapEndsInTimeAndIsNoneWhileTheRateIsUnknown) {
  ClassRates rates(Shares());
  rates.Charge(CLASS_BATCH, 1e6, kNow);
  EXPECT_FALSE(rates.OverCap(CLASS_BATCH, kNow));

  rates.SetRate(1000);
  rates.Charge(CLASS_BATCH, 1000, kNow);
  EXPECT_TRUE(rates.OverCap(CLASS_BATCH, kNow));
  EXPECT_EQ(rates.CapEnds(CLASS_BATCH), kNow + absl::Seconds(1));
  EXPECT_FALSE(rates.OverCap(CLASS_BATCH, kNow + absl::Seconds(1)));
}

}  // namespace
}  // namespace penstock::dispatcher
