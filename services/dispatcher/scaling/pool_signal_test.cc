// What an arbiter says of its load to those who scale adapters.

#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"
#include "libs/async/inline_executor.h"
#include "services/dispatcher/limits/rate_limiter.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/queue/fair_scheduler.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;
using chat::v1::TurnClass;

config::v1::Model TenSlots() {
  config::v1::Model model;
  model.set_concurrency(10);
  model.mutable_limits()->set_cached_input_weight(1);
  return model;
}

class PoolSignalTest : public testing::Test {
 protected:
  struct Caller {
    std::unique_ptr<WaitingTurn> turn;
    std::optional<absl::StatusOr<Permit>> permit;

    bool started() const { return permit && permit->ok(); }
  };

  void Use(const config::v1::Model& model, FairSchedulerOptions options = {}) {
    arbiter_ = std::make_unique<Arbiter>(std::make_unique<FairScheduler>(std::move(options)),
                                         std::make_unique<RateLimiter>(model, clock_.Monotonic()),
                                         clock_, timers_);
  }
  Caller& Enter(TurnClass turn_class = CLASS_PAID) {
    callers_.push_back(std::make_unique<Caller>());
    Caller& caller = *callers_.back();
    caller.turn = arbiter_->Enter({.turn_class = turn_class, .tenant = "t", .seq = ++seq_});
    Ask(caller);
    return caller;
  }
  void Ask(Caller& caller) {
    caller.permit.reset();
    Spawn(InlineExecutor(io_), Acquire(caller, stop_.get_token()));
    RunPosted();
  }
  // No adapter takes the call of a turn, which asks again.
  void NotTaken(Caller& caller) {
    caller.permit->value().NotTaken();
    Ask(caller);
  }
  static Awaitable<void> Acquire(Caller& caller, std::stop_token stop) {
    caller.permit.emplace(co_await caller.turn->Acquire({100, 100}, std::move(stop)));
  }
  void Pass(absl::Duration time) {
    timers_.Advance(time);
    RunPosted();
  }
  void RunPosted() {
    io_.run();
    io_.restart();
  }
  int Started() const {
    int started = 0;
    for (const auto& caller : callers_) started += caller->started() ? 1 : 0;
    return started;
  }
  void TearDown() override {
    stop_.request_stop();
    RunPosted();
    for (auto& caller : callers_) {
      if (caller->started()) caller->permit->value().Settle({});
    }
    callers_.clear();
  }

  FakeClock clock_;
  FakeTimers timers_{clock_};
  boost::asio::io_context io_;
  int64_t seq_ = 0;
  std::stop_source stop_;
  std::unique_ptr<Arbiter> arbiter_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

TEST_F(PoolSignalTest, AsksForNothingWhileIdle) {
  Use(TenSlots());

  EXPECT_EQ(arbiter_->Signal().required_concurrency, 0);
}

TEST_F(PoolSignalTest, ASlotThatOnlyAnAdapterLacksCountsAsRunnable) {
  Use(TenSlots());
  for (int i = 0; i < 4; ++i) Enter();
  for (const int refused : {2, 3}) NotTaken(*callers_[static_cast<size_t>(refused)]);
  for (int i = 0; i < 3; ++i) Enter(CLASS_FREE);

  const LoadSignal signal = arbiter_->Signal();
  EXPECT_TRUE(arbiter_->Load().adapters_full);
  EXPECT_EQ(signal.running, 2);
  EXPECT_EQ(signal.runnable, 5);
  EXPECT_EQ(signal.classes[CLASS_FREE].runnable, 3);
  EXPECT_EQ(signal.quota_blocked, 0);
  EXPECT_EQ(signal.required_concurrency, 7);
}

TEST_F(PoolSignalTest, BeyondTheConcurrencyOfTheLanesTheBacklogIsHeldByIt) {
  Use(TenSlots());
  NotTaken(Enter());
  for (int i = 0; i < 30; ++i) Enter();

  const LoadSignal signal = arbiter_->Signal();
  EXPECT_EQ(signal.required_concurrency, 10);
  EXPECT_EQ(signal.quota_blocked, 21);
  EXPECT_EQ(signal.held_by, v1::CONCURRENCY);
}

TEST_F(PoolSignalTest, ABacklogThatTheQuotaHoldsAddsNothing) {
  config::v1::Model model = TenSlots();
  model.mutable_limits()->set_requests_per_minute(120);
  Use(model);
  Pass(absl::Seconds(2));
  for (int i = 0; i < 20; ++i) Enter();
  const int running = Started();
  ASSERT_GT(running, 0);
  ASSERT_LT(running, 10);

  const LoadSignal signal = arbiter_->Signal();
  EXPECT_EQ(signal.required_concurrency, running);
  EXPECT_EQ(signal.runnable, 0);
  EXPECT_EQ(signal.quota_blocked, 20 - running);
  EXPECT_EQ(signal.held_by, v1::REQUESTS);
}

TEST_F(PoolSignalTest, ABacklogBehindARefusalOfTheProviderIsHeldByItsPause) {
  Use(TenSlots());
  Caller& refused = Enter();
  refused.permit->value().Refused(absl::Minutes(1), {});
  Ask(refused);
  Enter();

  EXPECT_EQ(arbiter_->Signal().required_concurrency, 0);
  EXPECT_EQ(arbiter_->Signal().held_by, v1::PAUSE);
}

TEST_F(PoolSignalTest, ABacklogBehindABreakerIsHeldByTheOutage) {
  Use(TenSlots());
  Enter().permit->value().Failed(chat::v1::PROVIDER_AUTH, {});
  callers_.clear();
  Enter();

  EXPECT_EQ(arbiter_->Signal().quota_blocked, 1);
  EXPECT_EQ(arbiter_->Signal().held_by, v1::OUTAGE);
}

TEST_F(PoolSignalTest, WhatNoAdapterTookKeepsItsPlaceAndItsQuota) {
  config::v1::Model model = TenSlots();
  model.mutable_limits()->set_requests_per_minute(60);
  Use(model);
  Pass(absl::Milliseconds(1500));
  Caller& first = Enter();
  ASSERT_TRUE(first.started());
  Caller& second = Enter();

  NotTaken(first);
  EXPECT_FALSE(first.started());
  EXPECT_FALSE(second.started());
  Pass(absl::Milliseconds(20));

  EXPECT_TRUE(first.started());
  EXPECT_FALSE(second.started());
}

TEST_F(PoolSignalTest, TheBacklogGoesToNewAdaptersWithinASecond) {
  Use(TenSlots());
  for (int i = 0; i < 10; ++i) Enter();
  for (int i = 0; i < 10; ++i) NotTaken(*callers_[static_cast<size_t>(i)]);
  ASSERT_EQ(Started(), 0);
  ASSERT_EQ(arbiter_->Signal().required_concurrency, 10);

  for (int i = 0; i < 50; ++i) Pass(absl::Milliseconds(20));

  EXPECT_EQ(Started(), 10);
  EXPECT_EQ(arbiter_->Signal().runnable, 0);
  EXPECT_EQ(arbiter_->Signal().required_concurrency, 10);
}

}  // namespace
}  // namespace penstock::dispatcher
