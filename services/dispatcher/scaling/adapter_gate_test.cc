#include "services/dispatcher/scaling/adapter_gate.h"

#include <vector>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

class AdapterGateTest : public testing::Test {
 protected:
  // All permits that it gives now, of at most `wanted`.
  std::vector<PermitId> Take(int wanted) {
    std::vector<PermitId> permits;
    while (wanted-- > 0 && gate_.Wait(now_) == absl::ZeroDuration()) {
      gate_.OnPermit(++last_);
      permits.push_back(last_);
    }
    return permits;
  }
  void Refuse(const std::vector<PermitId>& permits) {
    for (const PermitId permit : permits) gate_.OnNotTaken(permit, now_);
  }
  size_t TakeAfter(absl::Duration time, int wanted) {
    now_ += time;
    return Take(wanted).size();
  }

  AdapterGate gate_;
  absl::Duration now_ = absl::Seconds(1000);
  PermitId last_ = 0;
};

constexpr absl::Duration kRound = absl::Milliseconds(20);

TEST_F(AdapterGateTest, GivesEveryPermitWhileAdaptersTakeTheCalls) {
  EXPECT_EQ(Take(1000).size(), 1000u);
  EXPECT_FALSE(gate_.closed());
}

TEST_F(AdapterGateTest, ClosesWhenACallIsNotTaken) {
  const auto permits = Take(3);

  gate_.OnNotTaken(permits[2], now_);

  EXPECT_TRUE(gate_.closed());
  EXPECT_EQ(gate_.Wait(now_), kRound);
  EXPECT_TRUE(Take(10).empty());
}

TEST_F(AdapterGateTest, PermitsOfBeforeItWasKnownProlongNothing) {
  Refuse(Take(100));

  EXPECT_EQ(gate_.Wait(now_), kRound);
}

TEST_F(AdapterGateTest, ACallThatEndsLetsAnotherOneBegin) {
  const auto permits = Take(3);
  gate_.OnNotTaken(permits[2], now_);

  gate_.OnEnd(now_);
  gate_.OnEnd(now_);

  EXPECT_EQ(Take(10).size(), 2u);
  EXPECT_TRUE(gate_.closed());
}

TEST_F(AdapterGateTest, RoundsDoubleWhileTheyAreTaken) {
  Refuse(Take(1));

  std::vector<size_t> rounds;
  for (int i = 0; i < 6; ++i) rounds.push_back(TakeAfter(kRound, 1000));

  EXPECT_EQ(rounds, (std::vector<size_t>{1, 2, 4, 8, 16, 32}));
}

TEST_F(AdapterGateTest, AsksLessAndLessOftenWhileNobodyTakesACall) {
  Refuse(Take(1));

  std::vector<absl::Duration> waits;
  for (int i = 0; i < 6; ++i) {
    waits.push_back(gate_.Wait(now_));
    now_ += waits.back();
    const auto permits = Take(1000);
    ASSERT_EQ(permits.size(), 1u);
    Refuse(permits);
  }

  EXPECT_EQ(waits[0], kRound);
  EXPECT_EQ(waits[1], 2 * kRound);
  EXPECT_EQ(waits[5], absl::Milliseconds(250));
  EXPECT_EQ(gate_.Wait(now_), absl::Milliseconds(250));
}

TEST_F(AdapterGateTest, ARoundThatWasNotAllTakenIsFollowedByASingleOne) {
  Refuse(Take(1));
  for (int i = 0; i < 3; ++i) TakeAfter(kRound, 1000);
  now_ += kRound;
  const auto permits = Take(1000);
  ASSERT_EQ(permits.size(), 8u);

  gate_.OnNotTaken(permits[7], now_);

  EXPECT_EQ(TakeAfter(gate_.Wait(now_), 1000), 1u);
}

TEST_F(AdapterGateTest, OpensWhenItOffersMoreThanIsWanted) {
  Refuse(Take(1));
  EXPECT_EQ(TakeAfter(kRound, 1), 1u);
  EXPECT_EQ(TakeAfter(kRound, 1), 1u);
  EXPECT_TRUE(gate_.closed());

  now_ += absl::Milliseconds(250);

  EXPECT_EQ(Take(1000).size(), 1000u);
  EXPECT_FALSE(gate_.closed());
}

TEST_F(AdapterGateTest, StaysClosedWhileEverySlotThatComesFreeIsTaken) {
  Refuse(Take(1));
  for (int i = 0; i < 1000; ++i) {
    now_ += absl::Milliseconds(1);
    gate_.OnEnd(now_);
    const auto permits = Take(1000);
    if (permits.size() > 1) Refuse({permits.back()});
    ASSERT_TRUE(gate_.closed());
  }
}

}  // namespace
}  // namespace penstock::dispatcher
