#include "services/dispatcher/queue/class_loads.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_ACTION;
using chat::v1::CLASS_BATCH;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;
using chat::v1::TurnClass;

constexpr absl::Duration kStart = absl::Seconds(1000);

class ClassLoadsTest : public testing::Test {
 protected:
  ClassLoad Of(TurnClass turn_class) { return loads_.Of(turn_class, now_); }

  ClassLoads loads_;
  absl::Duration now_ = kStart;
};

TEST_F(ClassLoadsTest, ATurnIsCountedWhereItStands) {
  ClassLoads::Stay turn;
  loads_.Join(turn, CLASS_PAID, now_);
  EXPECT_EQ(Of(CLASS_PAID).waiting, 1);
  EXPECT_EQ(Of(CLASS_PAID).ready, 0);

  loads_.MarkReady(turn);
  EXPECT_EQ(Of(CLASS_PAID).waiting, 1);
  EXPECT_EQ(Of(CLASS_PAID).ready, 1);

  loads_.Start(turn, now_);
  EXPECT_EQ(Of(CLASS_PAID).waiting, 0);
  EXPECT_EQ(Of(CLASS_PAID).ready, 0);
  EXPECT_EQ(Of(CLASS_PAID).running, 1);

  loads_.Leave(turn);
  loads_.Leave(turn);
  EXPECT_EQ(Of(CLASS_PAID).running, 0);
  EXPECT_EQ(Of(CLASS_FREE).waiting, 0);
}

TEST_F(ClassLoadsTest, TheOldestWaitIsOfWhoJoinedFirstAndStillWaits) {
  ClassLoads::Stay first, second;
  loads_.Join(first, CLASS_PAID, now_);
  loads_.Join(second, CLASS_PAID, now_ += absl::Seconds(10));
  now_ += absl::Seconds(5);
  EXPECT_EQ(Of(CLASS_PAID).oldest_wait, absl::Seconds(15));

  loads_.Leave(first);
  EXPECT_EQ(Of(CLASS_PAID).oldest_wait, absl::Seconds(5));
  loads_.Leave(second);
  EXPECT_EQ(Of(CLASS_PAID).oldest_wait, absl::ZeroDuration());
}

TEST_F(ClassLoadsTest, AWaitGoesOnInAnotherClass) {
  ClassLoads::Stay raised, other;
  loads_.Join(raised, CLASS_FREE, now_);
  loads_.MarkReady(raised);
  loads_.Join(other, CLASS_ACTION, now_ += absl::Seconds(10));

  loads_.SetClass(raised, CLASS_ACTION);

  EXPECT_EQ(Of(CLASS_FREE).waiting, 0);
  EXPECT_EQ(Of(CLASS_FREE).ready, 0);
  EXPECT_EQ(Of(CLASS_ACTION).waiting, 2);
  EXPECT_EQ(Of(CLASS_ACTION).ready, 1);
  EXPECT_EQ(Of(CLASS_ACTION).oldest_wait, absl::Seconds(10));
}

TEST_F(ClassLoadsTest, APermitThatComesBackUnusedDoesNotEndTheWait) {
  ClassLoads::Stay turn;
  loads_.Join(turn, CLASS_FREE, now_);
  loads_.MarkReady(turn);
  loads_.Start(turn, now_ += absl::Seconds(10));
  loads_.SetClass(turn, CLASS_PAID);
  EXPECT_EQ(Of(CLASS_FREE).running, 1);

  loads_.Return(turn, CLASS_PAID);

  EXPECT_EQ(Of(CLASS_FREE).running, 0);
  EXPECT_EQ(Of(CLASS_PAID).waiting, 1);
  EXPECT_EQ(Of(CLASS_PAID).ready, 0);
  EXPECT_EQ(Of(CLASS_PAID).oldest_wait, absl::Seconds(10));
}

TEST_F(ClassLoadsTest, MeasuresRatesAndForgetsThem) {
  std::vector<ClassLoads::Stay> turns(600);
  for (size_t i = 0; i < turns.size(); ++i) {
    now_ += absl::Milliseconds(100);
    loads_.Join(turns[i], CLASS_PAID, now_);
    loads_.CountRefused(CLASS_BATCH, 1, now_);
    if (i % 2 == 1) continue;
    loads_.MarkReady(turns[i]);
    loads_.Start(turns[i], now_);
  }

  EXPECT_NEAR(Of(CLASS_PAID).arrivals_per_second, 10, 0.5);
  EXPECT_NEAR(Of(CLASS_PAID).starts_per_second, 5, 0.5);
  EXPECT_NEAR(Of(CLASS_BATCH).refused_per_second, 10, 0.5);
  EXPECT_EQ(Of(CLASS_BATCH).arrivals_per_second, 0);
  now_ += absl::Minutes(5);
  EXPECT_NEAR(Of(CLASS_PAID).arrivals_per_second, 0, 0.001);
}

TEST_F(ClassLoadsTest, TellsTheWaitsOfTheLastMinutesStarts) {
  EXPECT_EQ(Of(CLASS_PAID).wait_p50, std::nullopt);
  std::vector<ClassLoads::Stay> turns(100);
  for (auto& turn : turns) loads_.Join(turn, CLASS_PAID, now_);
  for (auto& turn : turns) {
    loads_.MarkReady(turn);
    loads_.Start(turn, now_ += absl::Milliseconds(100));
  }

  EXPECT_NEAR(absl::ToDoubleSeconds(*Of(CLASS_PAID).wait_p50), 5, 0.5);
  EXPECT_NEAR(absl::ToDoubleSeconds(*Of(CLASS_PAID).wait_p90), 9, 0.9);
}

TEST_F(ClassLoadsTest, CountsWhoStandsBeforeANewTurn) {
  ClassLoads::Stay action, paid, free;
  loads_.Join(action, CLASS_ACTION, now_);
  loads_.Join(paid, CLASS_PAID, now_);
  loads_.Join(free, CLASS_FREE, now_);

  EXPECT_EQ(loads_.WaitingDownTo(CLASS_ACTION), 1);
  EXPECT_EQ(loads_.WaitingDownTo(CLASS_PAID), 2);
  EXPECT_EQ(loads_.WaitingDownTo(CLASS_BATCH), 3);
}

// Whatever is called in whatever state: what is counted is what stands there.
TEST_F(ClassLoadsTest, CountsStayTrueOnRandomTraces) {
  std::mt19937_64 random(11);
  std::vector<ClassLoads::Stay> turns(50);
  const auto any_class = [&] { return static_cast<TurnClass>(1 + random() % 5); };
  for (int step = 0; step < 20'000; ++step) {
    ClassLoads::Stay& turn = turns[random() % turns.size()];
    now_ += absl::Milliseconds(1);
    switch (random() % 6) {
      case 0:
        loads_.Join(turn, any_class(), now_);
        break;
      case 1:
        loads_.SetClass(turn, any_class());
        break;
      case 2:
        loads_.MarkReady(turn);
        break;
      case 3:
        loads_.Start(turn, now_);
        break;
      case 4:
        loads_.Return(turn, any_class());
        break;
      default:
        loads_.Leave(turn);
    }
    int64_t counted = 0;
    for (int c = CLASS_ACTION; c <= CLASS_BATCH; ++c) {
      const ClassLoad load = Of(static_cast<TurnClass>(c));
      ASSERT_GE(load.ready, 0);
      ASSERT_LE(load.ready, load.waiting);
      ASSERT_GE(load.running, 0);
      counted += load.waiting + load.running;
    }
    ASSERT_LE(counted, static_cast<int64_t>(turns.size()));
  }
  for (auto& turn : turns) loads_.Leave(turn);
  for (int c = CLASS_ACTION; c <= CLASS_BATCH; ++c) {
    const ClassLoad load = Of(static_cast<TurnClass>(c));
    EXPECT_EQ(load.waiting + load.ready + load.running, 0) << c;
  }
}

}  // namespace
}  // namespace penstock::dispatcher
