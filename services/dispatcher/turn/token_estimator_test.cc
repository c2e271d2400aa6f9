#include "services/dispatcher/turn/token_estimator.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

TEST(TokenEstimator, LearnsEachModelsOwnFactor) {
  TokenEstimator estimator;
  EXPECT_EQ(estimator.Factor("p/a"), 1);

  estimator.Learn("p/a", 1000, 800);
  estimator.Learn("p/b", 1000, 1500);
  EXPECT_DOUBLE_EQ(estimator.Factor("p/a"), 0.8);
  EXPECT_DOUBLE_EQ(estimator.Factor("p/b"), 1.5);

  estimator.Learn("p/a", 1000, 900);
  EXPECT_DOUBLE_EQ(estimator.Factor("p/a"), 0.81);
}

TEST(TokenEstimator, StaysWithinItsBoundsAndSettlesOnWhatIsReported) {
  TokenEstimator estimator;
  estimator.Learn("p/a", 100, 1'000'000);
  EXPECT_EQ(estimator.Factor("p/a"), 3);
  for (int i = 0; i < 200; ++i) estimator.Learn("p/a", 1000, 1);
  EXPECT_NEAR(estimator.Factor("p/a"), 0.5, 1e-6);
  for (int i = 0; i < 200; ++i) estimator.Learn("p/a", 1000, 1100);
  EXPECT_NEAR(estimator.Factor("p/a"), 1.1, 1e-6);
}

TEST(TokenEstimator, IgnoresTinyRequestsAndMissingReports) {
  TokenEstimator estimator;
  estimator.Learn("p/a", 31, 93);
  estimator.Learn("p/a", 1000, 0);

  EXPECT_EQ(estimator.Factor("p/a"), 1);
}

}  // namespace
}  // namespace penstock::dispatcher
