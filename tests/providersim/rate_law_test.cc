// The laws at their boundaries, on a virtual clock.
#include "tests/providersim/rate_law.h"

#include <gtest/gtest.h>

#include "tests/providersim/bucket_law.h"
#include "tests/providersim/minute_law.h"
#include "tests/providersim/sliding_law.h"

namespace penstock::providersim {
namespace {

Amount RoomAt(RateLaw& law, Micros now) {
  law.AdvanceTo(now);
  return law.Room();
}

TEST(BucketLaw, IsFullAtStartAndRefillsContinuously) {
  BucketLaw law(600);
  law.Charge(600 * kToken);

  EXPECT_EQ(law.Room(), 0);
  EXPECT_EQ(law.FirstFit(0, kToken), kSecond / 10);
  EXPECT_EQ(RoomAt(law, kSecond / 10 - 1), kToken - 600);
  EXPECT_EQ(RoomAt(law, kSecond / 10), kToken);
  EXPECT_EQ(law.FirstFit(kSecond / 10, 600 * kToken), kMinute);
  EXPECT_EQ(RoomAt(law, 3 * kMinute), 600 * kToken);
}

TEST(BucketLaw, CountsExactlyWhenTheAllowanceDividesNoSecond) {
  BucketLaw law(7);
  law.Charge(7 * kToken);

  EXPECT_EQ(law.FirstFit(0, kToken), 8'571'429);
  EXPECT_LT(RoomAt(law, 8'571'428), kToken);
  EXPECT_EQ(RoomAt(law, 8'571'429), 7 * Amount{8'571'429});
}

TEST(BucketLaw, RisesByARefundButNotAboveTheAllowance) {
  BucketLaw law(600);
  law.Charge(100 * kToken);

  EXPECT_TRUE(law.Refund(0, 40 * kToken));
  EXPECT_EQ(law.Room(), 540 * kToken);
  law.AdvanceTo(5 * kSecond);
  EXPECT_TRUE(law.Refund(0, 60 * kToken));
  EXPECT_EQ(law.Room(), 600 * kToken);
}

TEST(BucketLaw, OwesWhatWasChargedBelowNought) {
  BucketLaw law(600);
  law.Charge(700 * kToken);

  EXPECT_EQ(law.Room(), -100 * kToken);
  EXPECT_EQ(law.FirstFit(0, kToken), 10 * kSecond + kSecond / 10);
  EXPECT_EQ(RoomAt(law, 10 * kSecond), 0);
}

TEST(BucketLaw, KeepsItsLevelUpToANewAllowance) {
  BucketLaw low(600);
  low.Charge(500 * kToken);
  BucketLaw high(600);

  low.SetAllowance(300);
  high.SetAllowance(300);

  EXPECT_EQ(low.Room(), 100 * kToken);
  EXPECT_EQ(low.FirstFit(0, 300 * kToken), 40 * kSecond);
  EXPECT_EQ(high.Room(), 300 * kToken);
}

TEST(SlidingLaw, CountsAChargeForSixtySeconds) {
  SlidingLaw law(600);
  law.AdvanceTo(5 * kSecond);
  law.Charge(400 * kToken);
  law.AdvanceTo(20 * kSecond);
  law.Charge(200 * kToken);

  EXPECT_EQ(law.Room(), 0);
  EXPECT_EQ(law.FirstFit(20 * kSecond, kToken), 65 * kSecond);
  EXPECT_EQ(law.FirstFit(20 * kSecond, 400 * kToken), 65 * kSecond);
  EXPECT_EQ(law.FirstFit(20 * kSecond, 401 * kToken), 80 * kSecond);
  EXPECT_EQ(RoomAt(law, 65 * kSecond - 1), 0);
  EXPECT_EQ(RoomAt(law, 65 * kSecond), 400 * kToken);
  EXPECT_EQ(RoomAt(law, 80 * kSecond), 600 * kToken);
}

TEST(SlidingLaw, CorrectsAChargeWhereItStands) {
  SlidingLaw law(600);
  const ChargeId early = law.Charge(300 * kToken);
  law.AdvanceTo(30 * kSecond);
  law.Charge(300 * kToken);

  EXPECT_TRUE(law.Refund(early, 200 * kToken));

  EXPECT_EQ(law.Room(), 200 * kToken);
  EXPECT_EQ(RoomAt(law, kMinute), 300 * kToken);
  EXPECT_FALSE(law.Refund(early, 100 * kToken));
  EXPECT_EQ(law.Room(), 300 * kToken);
}

TEST(SlidingLaw, WaitsForWhatStandsAboveANewAllowance) {
  SlidingLaw law(600);
  law.Charge(200 * kToken);
  law.AdvanceTo(10 * kSecond);
  law.Charge(300 * kToken);

  law.SetAllowance(300);

  EXPECT_EQ(law.Room(), -200 * kToken);
  EXPECT_EQ(law.FirstFit(10 * kSecond, kToken), 70 * kSecond);
  EXPECT_EQ(RoomAt(law, kMinute), 0);
}

TEST(MinuteLaw, ReleasesASliceASecondTheFirstAtOnce) {
  MinuteLaw law(600, 0);

  EXPECT_EQ(law.Room(), 10 * kToken);
  EXPECT_EQ(law.FirstFit(0, 11 * kToken), kSecond);
  EXPECT_EQ(law.FirstFit(0, 600 * kToken), 59 * kSecond);
  EXPECT_EQ(RoomAt(law, kSecond - 1), 10 * kToken);
  EXPECT_EQ(RoomAt(law, kSecond), 20 * kToken);
  EXPECT_EQ(RoomAt(law, kMinute - 1), 600 * kToken);
}

TEST(MinuteLaw, LetsUnusedSlicesAndDebtLapseWithTheMinute) {
  MinuteLaw law(600, 0);
  law.AdvanceTo(30 * kSecond);
  law.Charge(700 * kToken);

  EXPECT_EQ(law.Room(), -390 * kToken);
  EXPECT_EQ(law.FirstFit(30 * kSecond, kToken), kMinute);
  EXPECT_EQ(RoomAt(law, kMinute), 10 * kToken);
  EXPECT_EQ(RoomAt(law, 2 * kMinute), 10 * kToken);
}

TEST(MinuteLaw, BeginsItsMinutesAtThePhase) {
  MinuteLaw law(600, 15 * kSecond + 500'000);

  EXPECT_EQ(law.Room(), 450 * kToken);
  EXPECT_EQ(RoomAt(law, 15 * kSecond + 499'999), 600 * kToken);
  EXPECT_EQ(RoomAt(law, 15 * kSecond + 500'000), 10 * kToken);
}

TEST(MinuteLaw, TakesARefundInTheMinuteOfItsChargeOnly) {
  MinuteLaw law(600, 0);
  law.AdvanceTo(30 * kSecond);
  const ChargeId charge = law.Charge(300 * kToken);

  EXPECT_TRUE(law.Refund(charge, 100 * kToken));
  EXPECT_EQ(law.Room(), 110 * kToken);
  law.AdvanceTo(kMinute);
  EXPECT_FALSE(law.Refund(charge, 100 * kToken));
  EXPECT_EQ(law.Room(), 10 * kToken);
}

TEST(MinuteLaw, FindsRoomInTheNextMinuteWhenThisOneHasTooLittle) {
  MinuteLaw law(600, 0);
  law.AdvanceTo(50 * kSecond);
  law.Charge(400 * kToken);

  EXPECT_EQ(law.FirstFit(50 * kSecond, 200 * kToken), 59 * kSecond);
  EXPECT_EQ(law.FirstFit(50 * kSecond, 201 * kToken), 80 * kSecond);
}

TEST(MinuteLaw, ReleasesSlicesOfANewAllowanceFromThenOn) {
  MinuteLaw law(600, 0);
  law.AdvanceTo(29 * kSecond);
  law.Charge(100 * kToken);

  law.SetAllowance(300);

  EXPECT_EQ(law.Room(), 50 * kToken);
  EXPECT_EQ(law.FirstFit(29 * kSecond, 300 * kToken), kMinute + 59 * kSecond);
}

}  // namespace
}  // namespace penstock::providersim
