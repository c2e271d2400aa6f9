// Pools of several lanes, and what becomes of turns while all of them have failed.

#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"
#include "libs/async/inline_executor.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/limits/rate_limiter.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/queue/fair_scheduler.h"

namespace penstock::dispatcher {
namespace {

using testing::HasSubstr;

class ArbiterLanesTest : public testing::Test {
 protected:
  // A turn that asks for a permit, and what came of it.
  struct Caller {
    std::unique_ptr<WaitingTurn> turn;
    std::optional<absl::StatusOr<Permit>> permit;
  };

  void Make(std::vector<std::pair<std::string, int32_t>> lanes) {
    std::vector<LaneSet::Lane> all;
    for (const auto& [name, concurrency] : lanes) {
      config::v1::Model model;
      model.set_concurrency(concurrency);
      all.push_back(
          {.name = name, .limiter = std::make_unique<RateLimiter>(model, absl::ZeroDuration())});
    }
    arbiter_ = std::make_unique<Arbiter>(std::make_unique<FairScheduler>(FairSchedulerOptions()),
                                         std::make_unique<LaneSet>(std::move(all), /*seed=*/1),
                                         clock_, timers_);
  }

  static Awaitable<void> DoAcquire(Caller& caller, absl::Duration patience) {
    caller.permit.emplace(co_await caller.turn->Acquire({100, 100}, {}, patience));
  }
  std::unique_ptr<Caller> Enter(const std::string& last_lane = "") {
    auto caller = std::make_unique<Caller>();
    caller->turn = arbiter_->Enter(
        {.turn_class = chat::v1::CLASS_PAID, .tenant = "t", .seq = ++seq_, .last_lane = last_lane});
    return caller;
  }
  void Acquire(Caller& caller, absl::Duration patience = absl::InfiniteDuration()) {
    caller.permit.reset();
    Spawn(executor_, DoAcquire(caller, patience));
  }
  std::unique_ptr<Caller> Asking(absl::Duration patience = absl::InfiniteDuration()) {
    auto caller = Enter();
    Acquire(*caller, patience);
    return caller;
  }
  // Fails the pool's only lane until it is left alone.
  void Break() {
    while (!arbiter_->OutageNow()) {
      const auto caller = Asking();
      ASSERT_TRUE(caller->permit && caller->permit->ok());
      caller->permit->value().Failed(chat::v1::PROVIDER_OVERLOADED, {});
    }
  }
  void RunPosted() {
    io_.run();
    io_.restart();
  }
  void Advance(absl::Duration step) {
    timers_.Advance(step);
    RunPosted();
  }

  FakeClock clock_;
  FakeTimers timers_{clock_};
  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
  std::unique_ptr<Arbiter> arbiter_;
  int64_t seq_ = 0;
};

TEST_F(ArbiterLanesTest, APermitNamesItsLane) {
  Make({{"east", 1}, {"west", 1}});
  const auto first = Asking();
  const auto second = Asking();
  const auto third = Asking();

  EXPECT_NE(first->permit->value().lane(), second->permit->value().lane());
  EXPECT_FALSE(third->permit.has_value());
  const std::string freed(second->permit->value().lane());
  second->permit->value().Settle({});
  RunPosted();

  ASSERT_TRUE(third->permit.has_value());
  EXPECT_EQ(third->permit->value().lane(), freed);
  EXPECT_EQ(arbiter_->Load().concurrency, 2);
  EXPECT_EQ(arbiter_->Load(0).in_flight, 1);
  third->permit->value().Settle({});
  first->permit->value().Settle({});
}

TEST_F(ArbiterLanesTest, ATurnGoesWhereItsSessionWasLast) {
  Make({{"east", 10}, {"west", 10}});
  for (int i = 0; i < 3; ++i) {
    const auto caller = Enter("west");
    Acquire(*caller);

    EXPECT_EQ(caller->permit->value().lane(), "west");
    caller->permit->value().Settle({});
  }
}

TEST_F(ArbiterLanesTest, ARepetitionGoesElsewhere) {
  Make({{"east", 10}, {"west", 10}});
  const auto caller = Enter("west");
  Acquire(*caller);
  caller->permit->value().Failed(chat::v1::PROVIDER_TIMEOUT, {});

  Acquire(*caller);

  EXPECT_EQ(caller->permit->value().lane(), "east");
  caller->permit->value().Settle({});
}

TEST_F(ArbiterLanesTest, WithoutPatienceATurnIsSentAwayFromAPoolThatHasFailed) {
  Make({{"east", 10}});
  Break();

  const auto caller = Asking(absl::ZeroDuration());

  ASSERT_TRUE(caller->permit.has_value());
  const absl::Status status = caller->permit->status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(ReasonOf(status), "PROVIDER_OVERLOADED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("it is tried again in"));
  EXPECT_TRUE(RetryAfterOf(status).has_value());
  EXPECT_EQ(arbiter_->Load().waiting, 0);
}

TEST_F(ArbiterLanesTest, AShortOutageIsWaitedForAndOneTurnTries) {
  Make({{"east", 10}});
  Break();
  const auto first = Asking(absl::Minutes(1));
  const auto second = Asking(absl::Minutes(1));
  EXPECT_FALSE(first->permit.has_value());

  Advance(absl::Seconds(7));

  ASSERT_TRUE(first->permit && first->permit->ok());
  EXPECT_FALSE(second->permit.has_value());
  EXPECT_EQ(arbiter_->Load(0).breaker, Breaker::State::kHalfOpen);
  first->permit->value().FirstOutput();
  RunPosted();
  ASSERT_TRUE(second->permit && second->permit->ok());
  EXPECT_EQ(arbiter_->Load(0).breaker, Breaker::State::kClosed);
  first->permit->value().Settle({});
  second->permit->value().Settle({});
}

TEST_F(ArbiterLanesTest, ThoseWhoWaitAreSentAwayOnceTheOutageIsLongerThanTheirPatience) {
  Make({{"east", 10}});
  Break();
  const auto trial = Asking(absl::Minutes(1));
  const auto patient = Asking(absl::Minutes(1));
  const auto hurried = Asking(absl::Seconds(10));
  EXPECT_FALSE(hurried->permit.has_value());
  Advance(absl::Seconds(7));

  trial->permit->value().Failed(chat::v1::PROVIDER_INTERNAL, {});
  RunPosted();

  ASSERT_TRUE(hurried->permit.has_value());
  EXPECT_EQ(ReasonOf(hurried->permit->status()), "PROVIDER_INTERNAL");
  EXPECT_FALSE(patient->permit.has_value());
  Advance(absl::Seconds(13));
  EXPECT_TRUE(patient->permit && patient->permit->ok());
  patient->permit->value().Settle({});
}

TEST_F(ArbiterLanesTest, ATrialThatHangsHoldsNobodyBeyondItsPatience) {
  Make({{"east", 10}});
  Break();
  const auto trial = Asking(absl::Hours(1));
  Advance(absl::Seconds(7));
  const auto hurried = Asking(absl::Seconds(3));

  Advance(absl::Seconds(2));
  EXPECT_FALSE(hurried->permit.has_value());
  Advance(absl::Seconds(1));

  ASSERT_TRUE(hurried->permit.has_value());
  EXPECT_EQ(ReasonOf(hurried->permit->status()), "PROVIDER_OVERLOADED");
  trial->permit->value().Settle({});
}

TEST_F(ArbiterLanesTest, ATurnThatWasSentAwayMayAskAgain) {
  Make({{"east", 10}});
  Break();
  const auto caller = Asking(absl::ZeroDuration());
  ASSERT_FALSE(caller->permit->ok());

  Acquire(*caller, absl::Minutes(1));
  EXPECT_FALSE(caller->permit.has_value());
  Advance(absl::Seconds(7));

  EXPECT_TRUE(caller->permit && caller->permit->ok());
  caller->permit->value().Settle({});
}

TEST_F(ArbiterLanesTest, WhatCouldNotBeSentLeavesTheTurnAtItsPlace) {
  Make({{"east", 1}});
  const auto caller = Asking();

  caller->permit->value().NotSent(chat::v1::PROVIDER_UNREACHABLE);

  EXPECT_EQ(caller->turn->Place().position, 1);
  EXPECT_EQ(arbiter_->Load().in_flight, 0);
}

TEST_F(ArbiterLanesTest, ACapIsOfWhatTheRateLimitsAllow) {
  config::v1::Model model;
  model.set_concurrency(1000);
  model.mutable_limits()->set_requests_per_minute(600);
  FairSchedulerOptions options;
  options.shares.classes[chat::v1::CLASS_PAID].cap = 0.5;
  arbiter_ = std::make_unique<Arbiter>(std::make_unique<FairScheduler>(options),
                                       std::make_unique<RateLimiter>(model, clock_.Monotonic()),
                                       clock_, timers_);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 60; ++i) callers.push_back(Asking());

  int tenths = 0;
  for (size_t served = 0; served < callers.size(); ++tenths) {
    ASSERT_LT(tenths, 1000);
    Advance(absl::Milliseconds(100));
    for (const auto& caller : callers) {
      if (!caller->permit) continue;
      caller->permit->value().Settle({});
      caller->permit.reset();
      ++served;
    }
  }

  // Ten a second are allowed, five of them to the class.
  EXPECT_GE(tenths, 100);
  EXPECT_LE(tenths, 130);
}

}  // namespace
}  // namespace penstock::dispatcher
