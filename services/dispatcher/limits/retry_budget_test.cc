#include "services/dispatcher/limits/retry_budget.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

TEST(RetryBudget, TenPercentExtraAttemptsOverTenSeconds) {
  RetryBudget budget;
  for (int i = 0; i < 500; ++i) budget.CountCall(absl::Seconds(i % 10));
  int taken = 0;
  while (budget.TakeRetry(absl::Seconds(9))) ++taken;

  EXPECT_EQ(taken, 50);
}

TEST(RetryBudget, LetsAFewThroughWhenThereIsLittleTraffic) {
  RetryBudget budget;
  budget.CountCall(absl::ZeroDuration());
  int taken = 0;
  while (budget.TakeRetry(absl::ZeroDuration())) ++taken;

  EXPECT_EQ(taken, 10);
}

TEST(RetryBudget, ForgetsWhatIsOlderThanTenSeconds) {
  RetryBudget budget;
  while (budget.TakeRetry(absl::Seconds(1))) continue;

  EXPECT_FALSE(budget.TakeRetry(absl::Seconds(10)));
  EXPECT_TRUE(budget.TakeRetry(absl::Seconds(11)));
}

}  // namespace
}  // namespace penstock::dispatcher
