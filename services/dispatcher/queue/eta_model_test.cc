#include "services/dispatcher/queue/eta_model.h"

#include <algorithm>
#include <queue>
#include <random>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;

constexpr absl::Duration kStart = absl::Seconds(1000);

TEST(EtaModel, NobodyWaitsForAFreeSlot) {
  const EtaModel model;

  const Eta eta = model.Estimate(CLASS_PAID, 3, 3, 8, kStart);

  EXPECT_EQ(eta.p50, absl::ZeroDuration());
  EXPECT_EQ(eta.p90, absl::ZeroDuration());
}

TEST(EtaModel, WaitsForOneStartEachServiceTimeOverConcurrencyBeforeStartsWereSeen) {
  EtaModel model;
  for (int i = 0; i < 100; ++i) model.OnEnd(absl::Seconds(4));

  const Eta eta = model.Estimate(CLASS_PAID, 100, 0, 8, kStart);

  EXPECT_NEAR(absl::ToDoubleSeconds(eta.p50), 100 * 4.0 / 8, 0.5);
  EXPECT_GT(eta.p90, eta.p50);
  EXPECT_LT(eta.p90, eta.p50 * 1.2);
}

TEST(EtaModel, TrustsTheGapsItMeasuredWhileTurnsWaited) {
  EtaModel model;
  model.OnEnd(absl::Seconds(10));
  absl::Duration now = kStart;
  for (int i = 0; i < 200; ++i) model.OnStart(true, now += absl::Milliseconds(100));

  const Eta eta = model.Estimate(CLASS_PAID, 50, 0, 1, now);

  EXPECT_NEAR(absl::ToDoubleSeconds(eta.p50), 5, 0.2);
}

TEST(EtaModel, MeasuresNoGapWhileNobodyWaited) {
  EtaModel model;
  model.OnEnd(absl::Seconds(1));
  absl::Duration now = kStart;
  for (int i = 0; i < 200; ++i) model.OnStart(false, now += absl::Minutes(1));

  const Eta eta = model.Estimate(CLASS_PAID, 10, 0, 1, now);

  EXPECT_NEAR(absl::ToDoubleSeconds(eta.p50), 10, 0.5);
}

TEST(EtaModel, StartsInBunchesCountByTheTimeTheyTook) {
  EtaModel model;
  absl::Duration now = kStart;
  for (int second = 0; second < 30; ++second) {
    now += absl::Seconds(1);
    for (int i = 0; i < 100; ++i) model.OnStart(true, now);
  }

  EXPECT_NEAR(absl::ToDoubleSeconds(model.Estimate(CLASS_PAID, 500, 0, 1000, now).p50), 5, 0.3);
  EXPECT_NEAR(model.StartsPerSecond(1000, now), 100, 5);
}

TEST(EtaModel, MeasuresNoGapOverATimeInWhichTheLineEmptied) {
  EtaModel model;
  absl::Duration now = kStart;
  for (int i = 0; i < 200; ++i) model.OnStart(true, now += absl::Milliseconds(100));
  model.OnNobodyReady();
  model.OnStart(true, now += absl::Hours(1));

  EXPECT_NEAR(absl::ToDoubleSeconds(model.Estimate(CLASS_PAID, 50, 0, 1, now).p50), 5, 0.2);
}

TEST(EtaModel, CallsOneAfterTheOtherTakeTheirServiceTimesTogether) {
  EtaModel model;
  for (int i = 0; i < 100; ++i) model.OnEnd(absl::Seconds(4));

  EXPECT_EQ(model.Serial(0).p90, absl::ZeroDuration());
  // One call of exponential length: ln 2 and ln 10 of its mean.
  EXPECT_NEAR(absl::ToDoubleSeconds(model.Serial(1).p50), 4 * 0.693, 0.1);
  EXPECT_NEAR(absl::ToDoubleSeconds(model.Serial(1).p90), 4 * 2.303, 0.2);
  EXPECT_NEAR(absl::ToDoubleSeconds(model.Serial(50).p50), 200, 2);
}

TEST(EtaModel, LowerClassesWaitLongerWhileHigherOnesArrive) {
  EtaModel model;
  absl::Duration now = kStart;
  for (int i = 0; i < 3000; ++i) {
    now += absl::Milliseconds(100);
    model.OnStart(true, now);
    if (i % 2 == 0) model.OnEnter(CLASS_PAID, now);
  }

  const Eta paid = model.Estimate(CLASS_PAID, 50, 0, 1, now);
  const Eta free = model.Estimate(CLASS_FREE, 50, 0, 1, now);

  EXPECT_NEAR(absl::FDivDuration(free.p50, paid.p50), 2, 0.2);
}

TEST(EtaModel, ABurstOfAHigherClassIsNotTakenForAStream) {
  EtaModel model;
  for (int i = 0; i < 100; ++i) model.OnEnd(absl::Seconds(2));
  for (int i = 0; i < 10; ++i) model.OnEnter(CLASS_PAID, kStart);

  // Two slots: one start a second; ten arrivals are a sixth of one a second, over a minute.
  const Eta eta = model.Estimate(CLASS_FREE, 12, 0, 2, kStart);

  EXPECT_LT(eta.p50, absl::Seconds(15));
}

TEST(EtaModel, ForgetsOldRates) {
  EtaModel model;
  for (int i = 0; i < 100; ++i) model.OnStart(false, kStart);
  for (int i = 0; i < 100; ++i) model.OnEnd(absl::Seconds(10));

  EXPECT_GT(model.StartsPerSecond(1, kStart), 5);
  EXPECT_NEAR(model.StartsPerSecond(1, kStart + absl::Minutes(5)), 0.1, 0.01);
}

// c servers with exponential service times and an endless line: a turn that joins at position p.
TEST(EtaModel, HalfOfTheWaitsAreShorterThanP50AndNineInTenThanP90) {
  constexpr int kServers = 4;
  std::mt19937_64 random(7);
  std::exponential_distribution<double> service(1.0);
  EtaModel model;
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;
  double now = 1000;
  const auto start_one = [&] {
    const double length = service(random);
    ends.push(now + length);
    model.OnStart(true, absl::Seconds(now));
    model.OnEnd(absl::Seconds(length));
  };
  for (int i = 0; i < kServers; ++i) start_one();

  int below_p50 = 0;
  int below_p90 = 0;
  constexpr int kTurns = 2000;
  for (int turn = 0; turn < kTurns; ++turn) {
    const int position = 1 + turn % 30;
    const Eta eta = model.Estimate(CLASS_PAID, position, 0, kServers, absl::Seconds(now));
    const double joined = now;
    for (int i = 0; i < position; ++i) {
      now = ends.top();
      ends.pop();
      start_one();
    }
    below_p50 += absl::Seconds(now - joined) <= eta.p50;
    below_p90 += absl::Seconds(now - joined) <= eta.p90;
  }

  EXPECT_NEAR(below_p50, kTurns * 0.5, kTurns * 0.08);
  EXPECT_NEAR(below_p90, kTurns * 0.9, kTurns * 0.06);
}

}  // namespace
}  // namespace penstock::dispatcher
