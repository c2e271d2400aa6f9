#include "services/dispatcher/limits/throttle.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration At(double seconds) { return absl::Seconds(seconds); }

TEST(Throttle, PausesAsLongAsTheProviderAskedElseASecond) {
  Throttle throttle;
  EXPECT_EQ(throttle.PauseLeft(At(10)), absl::ZeroDuration());

  throttle.OnRefused(At(4), At(9), At(10));
  EXPECT_EQ(throttle.PauseLeft(At(11)), At(3));
  throttle.OnRefused(std::nullopt, At(9), At(11));
  EXPECT_EQ(throttle.PauseLeft(At(11)), At(3)) << "the longest of all";
  throttle.OnRefused(std::nullopt, At(20), At(20));
  EXPECT_EQ(throttle.PauseLeft(At(20)), At(1));
}

TEST(Throttle, CutsOnceForTheCallsThatWereUnderWay) {
  Throttle throttle;
  throttle.OnRefused(std::nullopt, At(9), At(10));
  throttle.OnRefused(std::nullopt, At(9.5), At(10.1));
  EXPECT_DOUBLE_EQ(throttle.Factor(At(11)), 0.7);

  throttle.OnRefused(std::nullopt, At(12), At(13));
  EXPECT_DOUBLE_EQ(throttle.Factor(At(13)), 0.49);
}

TEST(Throttle, ClimbsATenthForEveryMinuteWithoutARefusal) {
  Throttle throttle;
  throttle.OnRefused(std::nullopt, At(9), At(10));
  EXPECT_EQ(throttle.TimeToClimb(At(30)), At(40));
  EXPECT_DOUBLE_EQ(throttle.Factor(At(69)), 0.7);
  EXPECT_DOUBLE_EQ(throttle.Factor(At(70)), 0.8);
  EXPECT_DOUBLE_EQ(throttle.Factor(At(190)), 1);
  EXPECT_EQ(throttle.TimeToClimb(At(190)), absl::InfiniteDuration());
}

TEST(Throttle, NeverCutsToNothing) {
  Throttle throttle;
  for (int i = 1; i < 100; ++i) throttle.OnRefused(std::nullopt, At(i), At(i));

  EXPECT_GT(throttle.Factor(At(100)), 0);
}

}  // namespace
}  // namespace penstock::dispatcher
