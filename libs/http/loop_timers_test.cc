#include "libs/http/loop_timers.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"

namespace penstock::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LoopTimersTest : public testing::Test {
 protected:
  FakeClock clock_;
  int wakes_ = 0;
  LoopTimers timers_{clock_, [this] { ++wakes_; }};
};

TEST_F(LoopTimersTest, CallsWhatIsDueInOrder) {
  std::vector<int> called;
  auto second = timers_.After(absl::Seconds(2), [&] { called.push_back(2); });
  auto first = timers_.After(absl::Seconds(1), [&] { called.push_back(1); });
  auto third = timers_.After(absl::Seconds(3), [&] { called.push_back(3); });

  timers_.RunDue();
  EXPECT_THAT(called, IsEmpty());
  clock_.Advance(absl::Seconds(2));
  timers_.RunDue();

  EXPECT_THAT(called, ElementsAre(1, 2));
  EXPECT_EQ(timers_.NextDue(), absl::Seconds(3));
}

TEST_F(LoopTimersTest, WakesTheLoopOnlyForANewEarliest) {
  auto late = timers_.After(absl::Seconds(2), [] {});
  auto later = timers_.After(absl::Seconds(3), [] {});
  EXPECT_EQ(wakes_, 1);

  auto earlier = timers_.After(absl::Seconds(1), [] {});
  EXPECT_EQ(wakes_, 2);
}

TEST_F(LoopTimersTest, ADestroyedTimerIsNotCalled) {
  bool called = false;
  timers_.After(absl::ZeroDuration(), [&] { called = true; }).reset();

  timers_.RunDue();

  EXPECT_FALSE(called);
  EXPECT_EQ(timers_.NextDue(), absl::InfiniteDuration());
}

TEST_F(LoopTimersTest, ATimerMayDestroyItselfAndSetAnother) {
  std::unique_ptr<Timer> timer;
  bool again = false;
  timer = timers_.After(absl::ZeroDuration(), [&] {
    timer = timers_.After(absl::ZeroDuration(), [&] { again = true; });
  });

  timers_.RunDue();

  EXPECT_TRUE(again);
}

}  // namespace
}  // namespace penstock::http
