// What an arbiter says of the load of its classes, through the life of turns.

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

using chat::v1::CLASS_ACTION;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;
using chat::v1::TurnClass;

std::unique_ptr<LaneLimiter> OneSlot() {
  config::v1::Model model;
  model.set_concurrency(1);
  return std::make_unique<RateLimiter>(model, absl::ZeroDuration());
}

class ArbiterLoadTest : public testing::Test {
 protected:
  struct Caller {
    std::unique_ptr<WaitingTurn> turn;
    std::optional<absl::StatusOr<Permit>> permit;
  };

  std::unique_ptr<Caller> Enter(TurnClass turn_class, std::stop_token stop = {}) {
    auto caller = std::make_unique<Caller>();
    caller->turn = arbiter_.Enter({.turn_class = turn_class, .tenant = "t", .seq = ++seq_});
    Ask(*caller, std::move(stop));
    return caller;
  }
  void Ask(Caller& caller, std::stop_token stop = {}) {
    caller.permit.reset();
    Spawn(InlineExecutor(io_), Acquire(caller, std::move(stop)));
    RunPosted();
  }
  static Awaitable<void> Acquire(Caller& caller, std::stop_token stop) {
    caller.permit.emplace(co_await caller.turn->Acquire({100, 100}, std::move(stop)));
  }
  void RunPosted() {
    io_.run();
    io_.restart();
  }
  // Waiting, ready, running.
  std::vector<int64_t> Counts(TurnClass turn_class) const {
    const ClassLoad load = arbiter_.LoadOf(turn_class);
    return {load.waiting, load.ready, load.running};
  }
  using Are = std::vector<int64_t>;

  FakeClock clock_;
  FakeTimers timers_{clock_};
  boost::asio::io_context io_;
  int64_t seq_ = 0;
  Arbiter arbiter_{std::make_unique<FairScheduler>(FairSchedulerOptions()), OneSlot(), clock_,
                   timers_};
};

TEST_F(ArbiterLoadTest, FollowsATurnFromItsEntryToItsEnd) {
  const auto entered = arbiter_.Enter({.turn_class = CLASS_FREE, .tenant = "t", .seq = 9});
  const auto running = Enter(CLASS_PAID);
  const auto waiting = Enter(CLASS_PAID);
  clock_.Advance(absl::Seconds(10));

  EXPECT_EQ(Counts(CLASS_FREE), (Are{1, 0, 0}));
  EXPECT_EQ(Counts(CLASS_PAID), (Are{1, 1, 1}));
  EXPECT_EQ(arbiter_.LoadOf(CLASS_PAID).oldest_wait, absl::Seconds(10));

  running->permit->value().Settle({});
  RunPosted();
  EXPECT_EQ(Counts(CLASS_PAID), (Are{0, 0, 1}));
  EXPECT_GT(arbiter_.LoadOf(CLASS_PAID).wait_p90, absl::Seconds(10));
  waiting->turn.reset();
  EXPECT_EQ(Counts(CLASS_PAID), (Are{0, 0, 1}));
  waiting->permit->value().Settle({});
  EXPECT_EQ(Counts(CLASS_PAID), (Are{0, 0, 0}));
}

TEST_F(ArbiterLoadTest, ATurnThatTheProviderRefusedWaitsAsBefore) {
  const auto caller = Enter(CLASS_PAID);
  clock_.Advance(absl::Seconds(1));

  caller->permit->value().Refused(absl::Minutes(1), {});

  EXPECT_EQ(Counts(CLASS_PAID), (Are{1, 0, 0}));
  EXPECT_EQ(arbiter_.LoadOf(CLASS_PAID).oldest_wait, absl::Seconds(1));
  Ask(*caller);
  EXPECT_EQ(Counts(CLASS_PAID), (Are{1, 1, 0}));
  timers_.Advance(absl::Minutes(2));
  RunPosted();
  EXPECT_EQ(Counts(CLASS_PAID), (Are{0, 0, 1}));
  caller->permit->value().Settle({});
}

TEST_F(ArbiterLoadTest, ATurnThatRisesIsCountedInItsNewClass) {
  const auto running = Enter(CLASS_PAID);
  const auto raised = Enter(CLASS_FREE);

  raised->turn->SetClass(CLASS_ACTION);

  EXPECT_EQ(Counts(CLASS_FREE), (Are{0, 0, 0}));
  EXPECT_EQ(Counts(CLASS_ACTION), (Are{1, 1, 0}));
  running->permit->value().Settle({});
  RunPosted();
  EXPECT_EQ(Counts(CLASS_ACTION), (Are{0, 0, 1}));
  raised->permit->value().Settle({});
}

TEST_F(ArbiterLoadTest, WhoStopsWaitingOrLeavesIsOutOfIt) {
  const auto running = Enter(CLASS_PAID);
  std::stop_source stop;
  const auto stopped = Enter(CLASS_PAID, stop.get_token());
  auto left = arbiter_.Enter({.turn_class = CLASS_PAID, .tenant = "t", .seq = 9});
  EXPECT_EQ(Counts(CLASS_PAID), (Are{2, 1, 1}));

  stop.request_stop();
  RunPosted();
  EXPECT_EQ(Counts(CLASS_PAID), (Are{1, 0, 1}));
  left.reset();
  EXPECT_EQ(Counts(CLASS_PAID), (Are{0, 0, 1}));
  running->permit->value().Settle({});
}

TEST_F(ArbiterLoadTest, ANewTurnIsThoughtToWaitForAllOfItsClassAndAbove) {
  EXPECT_EQ(arbiter_.EtaOf(CLASS_FREE).p50, absl::ZeroDuration());
  const auto running = Enter(CLASS_PAID);
  std::stop_source stop;
  std::vector<std::unique_ptr<Caller>> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(Enter(CLASS_PAID, stop.get_token()));

  const Eta action = arbiter_.EtaOf(CLASS_ACTION);
  const Eta free = arbiter_.EtaOf(CLASS_FREE);

  EXPECT_GT(action.p50, absl::ZeroDuration());
  EXPECT_GT(free.p50, action.p50 * 10);
  EXPECT_GT(free.p90, free.p50);
  stop.request_stop();
  RunPosted();
}

}  // namespace
}  // namespace penstock::dispatcher
