#include "services/dispatcher/queue/arbiter.h"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"
#include "libs/async/inline_executor.h"
#include "libs/base/mutex.h"
#include "services/dispatcher/limits/rate_limiter.h"
#include "services/dispatcher/queue/fair_scheduler.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_ACTION;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;
using chat::v1::TurnClass;
using testing::ElementsAre;
using testing::IsEmpty;

std::unique_ptr<LaneLimiter> Slots(int64_t concurrency) {
  config::v1::Model model;
  model.set_concurrency(static_cast<int32_t>(concurrency));
  return std::make_unique<RateLimiter>(model, absl::ZeroDuration());
}

// Says when it may be tried again.
class OneASecond : public RateLimiter {
 public:
  OneASecond() : RateLimiter(Model(), absl::ZeroDuration()) {}

  absl::Duration Reserve(PermitId permit, const CallSize& call, absl::Duration now) override {
    if (now < next_) return next_ - now;
    next_ = now + absl::Seconds(1);
    return RateLimiter::Reserve(permit, call, now);
  }

 private:
  static config::v1::Model Model() {
    config::v1::Model model;
    model.set_concurrency(1000);
    return model;
  }

  absl::Duration next_ = absl::ZeroDuration();
};

class ArbiterTest : public testing::Test {
 protected:
  // A turn that asks for a permit, and what came of it.
  struct Caller {
    std::unique_ptr<WaitingTurn> turn;
    std::optional<absl::StatusOr<Permit>> permit;
    std::optional<absl::Status> window;
  };

  std::unique_ptr<Arbiter> MakeArbiter(int64_t concurrency) {
    return std::make_unique<Arbiter>(std::make_unique<FairScheduler>(FairSchedulerOptions()),
                                     Slots(concurrency), clock_, timers_);
  }

  static std::unique_ptr<Caller> Enter(Arbiter& arbiter, TurnClass turn_class, int64_t seq) {
    auto caller = std::make_unique<Caller>();
    caller->turn = arbiter.Enter({.turn_class = turn_class, .tenant = "t", .seq = seq});
    return caller;
  }

  static Awaitable<void> DoAcquire(Caller& caller, std::stop_token stop) {
    caller.permit.emplace(co_await caller.turn->Acquire({100, 100}, std::move(stop)));
  }
  static Awaitable<void> DoInWindow(Caller& caller, std::stop_token stop) {
    caller.window.emplace(co_await caller.turn->InWindow(std::move(stop)));
  }

  void Acquire(Caller& caller, std::stop_token stop = {}) {
    caller.permit.reset();
    Spawn(executor_, DoAcquire(caller, std::move(stop)));
  }
  void InWindow(Caller& caller, std::stop_token stop = {}) {
    Spawn(executor_, DoInWindow(caller, std::move(stop)));
  }
  void RunPosted() {
    io_.run();
    io_.restart();
  }

  FakeClock clock_;
  FakeTimers timers_{clock_};
  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
};

TEST_F(ArbiterTest, AnUncontendedTurnNeverSuspends) {
  const auto arbiter = MakeArbiter(1);
  const auto caller = Enter(*arbiter, CLASS_PAID, 1);

  InWindow(*caller);
  Acquire(*caller);

  ASSERT_TRUE(caller->window.has_value());  // without running the io_context
  ASSERT_TRUE(caller->permit.has_value());
  EXPECT_TRUE(caller->permit->ok());
  EXPECT_EQ(arbiter->Load().in_flight, 1);
}

TEST_F(ArbiterTest, GivesASlotThatWasSettledToTheNextInLine) {
  const auto arbiter = MakeArbiter(1);
  const auto running = Enter(*arbiter, CLASS_PAID, 1);
  const auto late = Enter(*arbiter, CLASS_PAID, 3);
  const auto early = Enter(*arbiter, CLASS_PAID, 2);
  Acquire(*running);
  Acquire(*late);
  Acquire(*early);
  EXPECT_FALSE(early->permit.has_value());

  running->permit->value().Settle({});
  RunPosted();

  EXPECT_TRUE(early->permit.has_value());
  EXPECT_FALSE(late->permit.has_value());
  early->permit.reset();
  early->turn.reset();
  RunPosted();
  EXPECT_TRUE(late->permit.has_value());
}

TEST_F(ArbiterTest, APermitGivenBackLeavesTheTurnAtItsOldPlace) {
  const auto arbiter = MakeArbiter(1);
  const auto first = Enter(*arbiter, CLASS_PAID, 1);
  const auto second = Enter(*arbiter, CLASS_PAID, 2);
  const auto third = Enter(*arbiter, CLASS_PAID, 3);
  Acquire(*first);
  Acquire(*second);
  Acquire(*third);

  first->permit.reset();  // unused: second gets the slot, for first is not ready
  RunPosted();
  ASSERT_TRUE(second->permit.has_value());
  EXPECT_EQ(first->turn->Place().position, 1);
  Acquire(*first);
  second->permit->value().Settle({});
  RunPosted();

  EXPECT_TRUE(first->permit.has_value());
  EXPECT_FALSE(third->permit.has_value());
  first->permit->value().Settle({});
  RunPosted();
}

TEST_F(ArbiterTest, AFurtherAttemptAsksAgainWithItsOldPlace) {
  const auto arbiter = MakeArbiter(1);
  const auto first = Enter(*arbiter, CLASS_PAID, 1);
  const auto other = Enter(*arbiter, CLASS_PAID, 2);
  Acquire(*first);
  Acquire(*other);

  first->permit->value().Settle({});
  Acquire(*first);
  RunPosted();
  ASSERT_TRUE(other->permit.has_value());
  const auto younger = Enter(*arbiter, CLASS_PAID, 3);
  Acquire(*younger);
  other->permit->value().Settle({});
  RunPosted();

  EXPECT_TRUE(first->permit.has_value());
  EXPECT_FALSE(younger->permit.has_value());
  first->permit->value().Settle({});
  RunPosted();
}

TEST_F(ArbiterTest, RefusesASecondPermitAtATime) {
  const auto arbiter = MakeArbiter(2);
  const auto caller = Enter(*arbiter, CLASS_PAID, 1);
  Acquire(*caller);
  const auto held = std::move(caller->permit);

  Acquire(*caller);

  EXPECT_EQ(caller->permit->status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ArbiterTest, AStoppedWaitEndsWithCancelledAndFreesItsPlace) {
  const auto arbiter = MakeArbiter(1);
  const auto running = Enter(*arbiter, CLASS_PAID, 1);
  const auto stopped = Enter(*arbiter, CLASS_PAID, 2);
  const auto next = Enter(*arbiter, CLASS_PAID, 3);
  std::stop_source stop;
  Acquire(*running);
  Acquire(*stopped, stop.get_token());
  Acquire(*next);

  stop.request_stop();
  RunPosted();
  ASSERT_TRUE(stopped->permit.has_value());
  EXPECT_TRUE(absl::IsCancelled(stopped->permit->status()));
  EXPECT_EQ(next->turn->Place().position, 1);
  running->permit->value().Settle({});
  RunPosted();

  EXPECT_TRUE(next->permit.has_value());
}

TEST_F(ArbiterTest, AWaitStoppedBeforeItBeganEndsAtOnce) {
  const auto arbiter = MakeArbiter(1);
  const auto running = Enter(*arbiter, CLASS_PAID, 1);
  const auto stopped = Enter(*arbiter, CLASS_PAID, 2);
  std::stop_source stop;
  stop.request_stop();
  Acquire(*running);

  Acquire(*stopped, stop.get_token());

  ASSERT_TRUE(stopped->permit.has_value());
  EXPECT_TRUE(absl::IsCancelled(stopped->permit->status()));
}

TEST_F(ArbiterTest, TurnsBeyondTheWindowArePreparedOnceItReachesThem) {
  const auto arbiter = MakeArbiter(1);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 66; ++i) callers.push_back(Enter(*arbiter, CLASS_PAID, i));
  for (auto& caller : callers) InWindow(*caller);
  EXPECT_TRUE(callers[63]->window.has_value());
  EXPECT_FALSE(callers[64]->window.has_value());

  std::stop_source stop;
  const auto beyond = Enter(*arbiter, CLASS_PAID, 100);
  InWindow(*beyond, stop.get_token());
  stop.request_stop();
  RunPosted();
  ASSERT_TRUE(beyond->window.has_value());
  EXPECT_TRUE(absl::IsCancelled(*beyond->window));

  // Half of those in the window have left it.
  for (size_t i = 0; i <= 32; ++i) callers[i]->turn.reset();
  RunPosted();
  EXPECT_TRUE(callers[64]->window.has_value());
  EXPECT_TRUE(callers[65]->window.has_value());
}

TEST_F(ArbiterTest, AnInheritedClassMovesTheTurnForward) {
  const auto arbiter = MakeArbiter(1);
  const auto running = Enter(*arbiter, CLASS_PAID, 1);
  const auto paid = Enter(*arbiter, CLASS_PAID, 2);
  const auto raised = Enter(*arbiter, CLASS_FREE, 3);
  Acquire(*running);
  Acquire(*paid);
  Acquire(*raised);
  EXPECT_EQ(raised->turn->Place().position, 2);

  raised->turn->SetClass(CLASS_ACTION);

  EXPECT_EQ(raised->turn->Place().position, 1);
  EXPECT_EQ(raised->turn->Place().turn_class, CLASS_ACTION);
  EXPECT_EQ(paid->turn->Place().position, 2);
  running->permit->value().Settle({});
  RunPosted();
  EXPECT_TRUE(raised->permit.has_value());
  raised->permit->value().Settle({});
  RunPosted();
}

TEST_F(ArbiterTest, TellsPlaceAndTimeOfThoseWhoWait) {
  const auto arbiter = MakeArbiter(1);
  const auto running = Enter(*arbiter, CLASS_PAID, 1);
  Acquire(*running);
  const auto waiting = Enter(*arbiter, CLASS_PAID, 2);

  const PlaceInLine place = waiting->turn->Place();

  EXPECT_EQ(place.position, 1);
  EXPECT_GT(place.eta.p50, absl::ZeroDuration());
  EXPECT_GT(place.eta.p90, place.eta.p50);
  EXPECT_EQ(running->turn->Place().position, 0);
  EXPECT_EQ(arbiter->PlaceOfNext({.turn_class = CLASS_PAID}).position, 2);
  EXPECT_EQ(arbiter->PlaceOfNext({.turn_class = CLASS_ACTION}).position, 1);
}

TEST_F(ArbiterTest, TriesAgainWhenTheLimiterSaidSo) {
  Arbiter arbiter(std::make_unique<FairScheduler>(FairSchedulerOptions()),
                  std::make_unique<OneASecond>(), clock_, timers_);
  const auto first = Enter(arbiter, CLASS_PAID, 1);
  const auto second = Enter(arbiter, CLASS_PAID, 2);
  timers_.Advance(absl::Seconds(10));
  Acquire(*first);
  Acquire(*second);
  EXPECT_FALSE(second->permit.has_value());

  timers_.Advance(absl::Milliseconds(999));
  RunPosted();
  EXPECT_FALSE(second->permit.has_value());
  timers_.Advance(absl::Milliseconds(1));
  RunPosted();

  EXPECT_TRUE(second->permit.has_value());
}

TEST_F(ArbiterTest, PermitsAndTurnsMayOutliveIt) {
  auto arbiter = MakeArbiter(1);
  const auto caller = Enter(*arbiter, CLASS_PAID, 1);
  Acquire(*caller);
  arbiter.reset();

  caller->turn.reset();
  caller->permit->value().Settle({});
}

// Many turns on several threads: never more under way than allowed, all are served, some are
// stopped.
class ArbiterThreadsTest : public testing::Test {
 protected:
  static constexpr int kThreads = 4;
  static constexpr int kTurns = 2000;
  static constexpr int64_t kConcurrency = 8;

  Awaitable<void> Run(int seq) {
    {
      std::stop_source stop;
      const auto turn = arbiter_.Enter(
          {.turn_class = static_cast<TurnClass>(1 + seq % 5), .tenant = "t", .seq = seq});
      if (seq % 7 == 0) turn->SetClass(CLASS_ACTION);
      if (seq % 5 == 0) io_.get_executor().execute([stop]() mutable { stop.request_stop(); });
      if ((co_await turn->InWindow(stop.get_token())).ok()) {
        auto permit = co_await turn->Acquire({1, 1}, stop.get_token());
        if (permit.ok()) co_await Use(*std::move(permit), seq);
      }
    }
    if (++ended_ == kTurns) work_.reset();
  }

  Awaitable<void> Use(Permit permit, int seq) {
    const int64_t now = ++under_way_;
    if (now > kConcurrency) too_many_ = true;
    co_await boost::asio::post(io_, boost::asio::use_awaitable);
    --under_way_;
    ++served_;
    if (seq % 3 != 0) permit.Settle({});
  }

  FakeClock clock_;
  FakeTimers timers_{clock_};
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  Arbiter arbiter_{std::make_unique<FairScheduler>(FairSchedulerOptions()), Slots(kConcurrency),
                   clock_, timers_};
  std::atomic<int64_t> under_way_ = 0;
  std::atomic<bool> too_many_ = false;
  std::atomic<int> served_ = 0;
  std::atomic<int> ended_ = 0;
};

TEST_F(ArbiterThreadsTest, KeepsItsLimitAndServesAll) {
  for (int i = 0; i < kTurns; ++i) {
    io_.get_executor().execute([this, i] { Spawn(InlineExecutor(io_), Run(i)); });
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([this] { io_.run(); });
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(ended_, kTurns);
  EXPECT_FALSE(too_many_);
  EXPECT_GE(served_, kTurns * 4 / 5);
  EXPECT_EQ(arbiter_.Load().in_flight, 0);
  EXPECT_EQ(arbiter_.Load().waiting, 0);
}

}  // namespace
}  // namespace penstock::dispatcher
