#include "services/dispatcher/scaling/load_signal.h"

#include <limits>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_ACTION;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;

PoolState::Class Ready(int64_t turns) { return {.waiting = turns, .ready = turns, .running = 0}; }

TEST(LoadSignal, AnIdlePoolAsksForNothing) {
  PoolState state;
  state.room = {.calls = 100, .held_by = v1::CONCURRENCY};

  const LoadSignal signal = SignalOf(state);

  EXPECT_EQ(signal.required_concurrency, 0);
  EXPECT_EQ(signal.held_by, v1::HOLD_UNSPECIFIED);
}

TEST(LoadSignal, WhatRunsAndWhatOnlyAdaptersHoldBackIsRequired) {
  PoolState state;
  state.adapters_full = true;
  state.room = {.calls = 100, .held_by = v1::CONCURRENCY};
  state.classes[CLASS_PAID] = {.waiting = 30, .ready = 20, .running = 8};

  const LoadSignal signal = SignalOf(state);

  EXPECT_EQ(signal.queued, 30);
  EXPECT_EQ(signal.running, 8);
  EXPECT_EQ(signal.runnable, 30);
  EXPECT_EQ(signal.quota_blocked, 0);
  EXPECT_EQ(signal.required_concurrency, 38);
}

TEST(LoadSignal, AQuotaBlockedBacklogAddsNothingAndSaysWhy) {
  PoolState state;
  state.room = {.calls = 0, .held_by = v1::TOKENS};
  state.classes[CLASS_PAID] = {.waiting = 5000, .ready = 64, .running = 8};

  const LoadSignal signal = SignalOf(state);

  EXPECT_EQ(signal.required_concurrency, 8);
  EXPECT_EQ(signal.runnable, 0);
  EXPECT_EQ(signal.quota_blocked, 64);
  EXPECT_EQ(signal.held_by, v1::TOKENS);
}

TEST(LoadSignal, WithFullAdaptersOnlyAsMuchIsRunnableAsTheLimitsLetGo) {
  PoolState state;
  state.adapters_full = true;
  state.room = {.calls = 5, .held_by = v1::REQUESTS};
  state.classes[CLASS_ACTION] = Ready(3);
  state.classes[CLASS_PAID] = Ready(4);
  state.classes[CLASS_FREE] = Ready(10);

  const LoadSignal signal = SignalOf(state);

  EXPECT_EQ(signal.classes[CLASS_ACTION].runnable, 3);
  EXPECT_EQ(signal.classes[CLASS_PAID].runnable, 2);
  EXPECT_EQ(signal.classes[CLASS_PAID].quota_blocked, 2);
  EXPECT_EQ(signal.classes[CLASS_FREE].quota_blocked, 10);
  EXPECT_EQ(signal.required_concurrency, 5);
  EXPECT_EQ(signal.held_by, v1::REQUESTS);
}

TEST(LoadSignal, ABurstThatTheRateDoesNotFeedAsksForNoMoreThanTheRateDoes) {
  PoolState state;
  state.adapters_full = true;
  state.room = {.calls = 600, .held_by = v1::REQUESTS};
  state.calls_per_second = 10;
  state.call_time = absl::Seconds(8);
  state.classes[CLASS_FREE] = {.waiting = 600, .ready = 64, .running = 24};

  EXPECT_EQ(SignalOf(state).required_concurrency, 80);

  state.classes[CLASS_FREE].running = 100;
  EXPECT_EQ(SignalOf(state).required_concurrency, 100);
}

TEST(LoadSignal, TheFirstCallIsAskedForWhateverTheRateIsThoughtToBe) {
  PoolState state;
  state.adapters_full = true;
  state.room = {.calls = 1, .held_by = v1::CONCURRENCY};
  state.calls_per_second = 1e-9;
  state.call_time = absl::Milliseconds(1);
  state.classes[CLASS_FREE] = Ready(1);

  EXPECT_EQ(SignalOf(state).required_concurrency, 1);
}

// Any state that a pool can be in.
PoolState AnyState() {
  PoolState state;
  for (PoolState::Class& its : state.classes) {
    its.ready = *rc::gen::inRange(0, 200);
    its.waiting = its.ready + *rc::gen::inRange(0, 200);
    its.running = *rc::gen::inRange(0, 200);
  }
  state.adapters_full = *rc::gen::arbitrary<bool>();
  state.room = {.calls = *rc::gen::inRange(0, 500), .held_by = v1::REQUESTS};
  state.calls_per_second =
      *rc::gen::element(0.0, 0.5, 20.0, 1e12, std::numeric_limits<double>::infinity());
  state.call_time = absl::Milliseconds(*rc::gen::inRange(0, 20'000));
  return state;
}

RC_GTEST_PROP(LoadSignalProperty, EveryTurnInLineCountsOnceAtMost, ()) {
  const PoolState state = AnyState();
  const LoadSignal signal = SignalOf(state);
  int64_t runnable = 0;
  int64_t blocked = 0;
  for (size_t c = 0; c < state.classes.size(); ++c) {
    RC_ASSERT(signal.classes[c].runnable + signal.classes[c].quota_blocked <=
              state.classes[c].waiting);
    RC_ASSERT(signal.classes[c].runnable + signal.classes[c].quota_blocked >=
              state.classes[c].ready);
    runnable += signal.classes[c].runnable;
    blocked += signal.classes[c].quota_blocked;
  }
  RC_ASSERT(runnable == signal.runnable);
  RC_ASSERT(blocked == signal.quota_blocked);
  RC_ASSERT(runnable <= state.room.calls);
  RC_ASSERT((signal.held_by != v1::HOLD_UNSPECIFIED) == (blocked > 0));
}

RC_GTEST_PROP(LoadSignalProperty, IsZeroOnlyWhenThereIsNothingToDo, ()) {
  const LoadSignal signal = SignalOf(AnyState());
  RC_ASSERT((signal.required_concurrency == 0) == (signal.running + signal.runnable == 0));
  RC_ASSERT(signal.required_concurrency >= signal.running);
  RC_ASSERT(signal.required_concurrency <= signal.running + signal.runnable);
}

RC_GTEST_PROP(LoadSignalProperty, TurnsThatTheLimitsHoldBackChangeNothing, ()) {
  PoolState state = AnyState();
  const LoadSignal before = SignalOf(state);
  RC_PRE(!state.adapters_full || before.runnable == state.room.calls);

  for (PoolState::Class& its : state.classes) {
    const int64_t more = *rc::gen::inRange(0, 1000);
    its.waiting += more;
    its.ready += more;
  }

  RC_ASSERT(SignalOf(state).required_concurrency == before.required_concurrency);
}

}  // namespace
}  // namespace penstock::dispatcher
