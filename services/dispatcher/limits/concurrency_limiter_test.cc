#include "services/dispatcher/limits/concurrency_limiter.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

TEST(ConcurrencyLimiter, BooksUpToItsLimitAndThenAsksToWaitForAnEnd) {
  ConcurrencyLimiter limiter(2);

  EXPECT_EQ(limiter.Reserve(1, 10, 10, kNow), absl::ZeroDuration());
  EXPECT_EQ(limiter.Reserve(2, 10, 10, kNow), absl::ZeroDuration());
  EXPECT_EQ(limiter.Reserve(3, 10, 10, kNow), absl::InfiniteDuration());
  EXPECT_EQ(limiter.in_flight(), 2);
}

TEST(ConcurrencyLimiter, FreesASlotByEveryKindOfEnd) {
  ConcurrencyLimiter limiter(1);
  for (PermitId permit = 1; permit < 10; permit += 3) {
    EXPECT_EQ(limiter.Reserve(permit, 1, 1, kNow), absl::ZeroDuration());
    limiter.Settle(permit, {}, kNow);
    EXPECT_EQ(limiter.Reserve(permit + 1, 1, 1, kNow), absl::ZeroDuration());
    limiter.GiveBack(permit + 1, kNow);
    EXPECT_EQ(limiter.Reserve(permit + 2, 1, 1, kNow), absl::ZeroDuration());
    limiter.Expire(permit + 2, kNow);
  }
  EXPECT_EQ(limiter.in_flight(), 0);
}

TEST(ConcurrencyLimiter, FreesASlotOnceHoweverOftenAPermitEnds) {
  ConcurrencyLimiter limiter(2);
  limiter.Reserve(1, 1, 1, kNow);
  limiter.Reserve(2, 1, 1, kNow);

  limiter.Settle(1, {}, kNow);
  limiter.Settle(1, {}, kNow);
  limiter.Expire(1, kNow);
  limiter.GiveBack(77, kNow);

  EXPECT_EQ(limiter.in_flight(), 1);
}

}  // namespace
}  // namespace penstock::dispatcher
