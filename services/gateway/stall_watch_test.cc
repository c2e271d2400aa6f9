#include "services/gateway/stall_watch.h"

#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"

namespace penstock::gateway {
namespace {

class StallWatchTest : public testing::Test {
 protected:
  FakeClock clock_;
  FakeTimers timers_{clock_};
  int stalls_ = 0;
  StallWatch watch_{timers_, clock_, absl::Seconds(30), [this] { ++stalls_; }};
};

TEST_F(StallWatchTest, NoticesAWriteThatTakesTheWholeTimeoutAndNotBefore) {
  timers_.Advance(absl::Seconds(20));
  watch_.Begin();

  timers_.Advance(absl::Seconds(29.9));
  EXPECT_EQ(stalls_, 0);
  timers_.Advance(absl::Seconds(0.1));
  EXPECT_EQ(stalls_, 1);
  timers_.Advance(absl::Hours(1));
  EXPECT_EQ(stalls_, 1);
  EXPECT_TRUE(watch_.End());
}

TEST_F(StallWatchTest, ManyQuickWritesAreNoStall) {
  for (int i = 0; i < 100; ++i) {
    watch_.Begin();
    timers_.Advance(absl::Seconds(29));
    EXPECT_FALSE(watch_.End());
  }

  EXPECT_EQ(stalls_, 0);
}

TEST_F(StallWatchTest, NothingToWriteIsNoStall) {
  timers_.Advance(absl::Hours(1));

  EXPECT_EQ(stalls_, 0);
}

}  // namespace
}  // namespace penstock::gateway
