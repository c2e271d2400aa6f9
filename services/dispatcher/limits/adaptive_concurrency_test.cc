#include "services/dispatcher/limits/adaptive_concurrency.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

void Answers(AdaptiveConcurrency& concurrency, int n, absl::Duration delay, bool in_use = true) {
  for (int i = 0; i < n; ++i) concurrency.OnFirstOutput(delay, in_use);
}

TEST(AdaptiveConcurrency, StaysWhereItIsConfiguredWhileAnswersComeAsUsual) {
  AdaptiveConcurrency concurrency(50);
  Answers(concurrency, 500, absl::Seconds(1));

  EXPECT_EQ(concurrency.limit(), 50);
}

TEST(AdaptiveConcurrency, ShrinksByATenthForTwentyAnswersThatCameMuchLaterThanUsual) {
  AdaptiveConcurrency concurrency(50);
  Answers(concurrency, 600, absl::Seconds(1));
  Answers(concurrency, 20, absl::Seconds(3));
  EXPECT_EQ(concurrency.limit(), 45);

  Answers(concurrency, 20, absl::Seconds(1));
  EXPECT_EQ(concurrency.limit(), 46) << "one more for twenty as usual";
}

TEST(AdaptiveConcurrency, TakesTheMedianSoThatAFewSlowOnesDoNotCount) {
  AdaptiveConcurrency concurrency(50);
  Answers(concurrency, 600, absl::Seconds(1));
  Answers(concurrency, 9, absl::Seconds(60));
  Answers(concurrency, 11, absl::Seconds(1));

  EXPECT_EQ(concurrency.limit(), 50);
}

TEST(AdaptiveConcurrency, UnderHalfASecondNothingIsSlow) {
  AdaptiveConcurrency concurrency(50);
  Answers(concurrency, 600, absl::Milliseconds(5));
  Answers(concurrency, 20, absl::Milliseconds(400));

  EXPECT_EQ(concurrency.limit(), 50);
}

TEST(AdaptiveConcurrency, GrowsOnlyWhenItWasInUse) {
  AdaptiveConcurrency concurrency(50);
  concurrency.OnOverload();
  Answers(concurrency, 100, absl::Seconds(1), /*in_use=*/false);
  EXPECT_EQ(concurrency.limit(), 45);

  Answers(concurrency, 20, absl::Seconds(1));
  EXPECT_EQ(concurrency.limit(), 46);
}

TEST(AdaptiveConcurrency, AfterAnOutageItClimbsFromATenthByOneForEachAnswer) {
  AdaptiveConcurrency concurrency(50);
  concurrency.StartAgain();
  EXPECT_EQ(concurrency.limit(), 5);

  Answers(concurrency, 10, absl::Milliseconds(100));
  EXPECT_EQ(concurrency.limit(), 15);
  Answers(concurrency, 100, absl::Milliseconds(100));
  EXPECT_EQ(concurrency.limit(), 50);
}

TEST(AdaptiveConcurrency, TheClimbEndsWhenTheProviderIsTooBusy) {
  AdaptiveConcurrency concurrency(50);
  concurrency.StartAgain();
  Answers(concurrency, 15, absl::Milliseconds(100));

  concurrency.OnOverload();

  EXPECT_EQ(concurrency.limit(), 18);
  Answers(concurrency, 4, absl::Milliseconds(100));
  EXPECT_EQ(concurrency.limit(), 18);
}

TEST(AdaptiveConcurrency, NeverFallsBelowOne) {
  AdaptiveConcurrency concurrency(2);
  for (int i = 0; i < 100; ++i) concurrency.OnOverload();

  EXPECT_EQ(concurrency.limit(), 1);
}

}  // namespace
}  // namespace penstock::dispatcher
