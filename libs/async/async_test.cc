#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "libs/async/awaitable.h"
#include "libs/async/both.h"
#include "libs/async/bounded_executor.h"
#include "libs/async/fake_timers.h"
#include "libs/async/inline_executor.h"
#include "libs/async/one_shot.h"
#include "libs/async/timers.h"

namespace penstock {
namespace {

class AsyncTest : public testing::Test {
 protected:
  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
};

TEST_F(AsyncTest, OneShotAnswersAValueSetBeforeTheWaitWithoutSuspending) {
  OneShot<int> shot;
  shot.Set(7);
  int got = 0;

  Spawn(executor_,
        [](OneShot<int>& s, int& out) -> Awaitable<void> { out = co_await s.Wait(); }(shot, got));

  EXPECT_EQ(got, 7);
}

TEST_F(AsyncTest, OneShotResumesItsWaiterByAPost) {
  OneShot<int> shot;
  int got = 0;
  Spawn(executor_,
        [](OneShot<int>& s, int& out) -> Awaitable<void> { out = co_await s.Wait(); }(shot, got));

  EXPECT_TRUE(shot.Set(7));
  EXPECT_EQ(got, 0);
  io_.run();

  EXPECT_EQ(got, 7);
}

TEST_F(AsyncTest, OneShotKeepsTheFirstOfManyValuesSetAtOnce) {
  for (int round = 0; round < 200; ++round) {
    OneShot<int> shot;
    std::atomic<int> accepted = 0;
    int got = -1;
    std::vector<std::thread> setters;
    for (int i = 0; i < 4; ++i) {
      setters.emplace_back([&, i] {
        if (shot.Set(i)) accepted = i;
      });
    }
    Spawn(executor_,
          [](OneShot<int>& s, int& out) -> Awaitable<void> { out = co_await s.Wait(); }(shot, got));
    for (auto& setter : setters) setter.join();
    io_.run();
    io_.restart();

    EXPECT_EQ(got, accepted);
  }
}

TEST_F(AsyncTest, BothAnswersWhenTheLaterOneHasEnded) {
  AsioTimers timers(io_);
  std::pair<int, int> got;
  const auto after = [](Timers& t, absl::Duration delay, int value) -> Awaitable<int> {
    co_await Sleep(t, delay);
    co_return value;
  };
  const auto at_once = [](int value) -> Awaitable<int> { co_return value; };

  for (const bool first_is_late : {true, false}) {
    Spawn(executor_,
          [](Executor executor, Awaitable<int> a, Awaitable<int> b, std::pair<int, int>& out)
              -> Awaitable<void> { out = co_await Both(executor, std::move(a), std::move(b)); }(
                  executor_, first_is_late ? after(timers, absl::Milliseconds(1), 1) : at_once(1),
                  first_is_late ? at_once(2) : after(timers, absl::Milliseconds(1), 2), got));
    EXPECT_EQ(got, (std::pair<int, int>()));
    io_.run();
    io_.restart();

    EXPECT_EQ(got, (std::pair<int, int>(1, 2)));
    got = {};
  }
}

TEST_F(AsyncTest, DestroyedTimerDoesNotFire) {
  AsioTimers timers(io_);
  bool fired = false;
  bool dropped = false;

  auto kept = timers.After(absl::Milliseconds(1), [&] { fired = true; });
  timers.After(absl::ZeroDuration(), [&] { dropped = true; }).reset();
  io_.run();

  EXPECT_TRUE(fired);
  EXPECT_FALSE(dropped);
}

TEST_F(AsyncTest, FakeTimersFireInOrderAtTheirOwnTime) {
  FakeClock clock;
  FakeTimers timers(clock);
  std::vector<std::pair<int, absl::Duration>> fired;
  auto late = timers.After(absl::Seconds(2), [&] { fired.emplace_back(2, clock.Monotonic()); });
  auto early = timers.After(absl::Seconds(1), [&] { fired.emplace_back(1, clock.Monotonic()); });

  timers.Advance(absl::Seconds(3));

  EXPECT_EQ(fired, (std::vector<std::pair<int, absl::Duration>>{{1, absl::Seconds(1)},
                                                                {2, absl::Seconds(2)}}));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(3));
}

TEST_F(AsyncTest, BoundedExecutorRefusesWhatItsQueueCannotHold) {
  std::promise<void> gate;
  std::promise<void> running;
  BoundedExecutor executor(1, 1);
  ASSERT_TRUE(executor.TryPost([&] {
    running.set_value();
    gate.get_future().wait();
  }));
  running.get_future().wait();

  EXPECT_TRUE(executor.TryPost([] {}));
  EXPECT_FALSE(executor.TryPost([] {}));

  gate.set_value();
}

}  // namespace
}  // namespace penstock
