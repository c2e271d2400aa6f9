#include "services/dispatcher/limits/breaker.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

using State = Breaker::State;

constexpr absl::Duration kStart = absl::Seconds(1000);
constexpr absl::Duration kNow = absl::ZeroDuration();
constexpr auto kBusy = chat::v1::PROVIDER_OVERLOADED;

class BreakerTest : public testing::Test {
 protected:
  void Fail(int times, chat::v1::ErrorKind kind = kBusy) {
    for (int i = 0; i < times; ++i) {
      breaker_.OnBegin(next_);
      breaker_.OnFailed(next_++, kind, now_, /*jitter=*/0);
    }
  }
  void Succeed(int times) {
    for (int i = 0; i < times; ++i) {
      breaker_.OnBegin(next_);
      breaker_.OnWell(next_++, now_);
    }
  }
  // Begins the trial, which is due.
  PermitId Try() {
    EXPECT_EQ(breaker_.Wait(now_), kNow);
    EXPECT_EQ(breaker_.state(now_), State::kHalfOpen);
    breaker_.OnBegin(next_);
    return next_++;
  }

  Breaker breaker_;
  absl::Duration now_ = kStart;
  PermitId next_ = 1;
};

TEST_F(BreakerTest, FiveFailuresInARowOpenIt) {
  Fail(4);
  Succeed(1);
  Fail(4);
  EXPECT_EQ(breaker_.Wait(now_), kNow);

  Fail(1);

  EXPECT_EQ(breaker_.state(now_), State::kOpen);
  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(5));
  EXPECT_EQ(breaker_.cause(), kBusy);
  EXPECT_EQ(breaker_.openings(), 1);
}

TEST_F(BreakerTest, MoreThanHalfOfTwentyWithinThirtySecondsOpenIt) {
  for (int i = 0; i < 10; ++i) {
    Succeed(1);
    Fail(1);
    now_ += absl::Seconds(2);
  }
  EXPECT_EQ(breaker_.Wait(now_), kNow) << "the half of 20";

  now_ += absl::Seconds(40);
  Fail(1);
  EXPECT_EQ(breaker_.Wait(now_), kNow) << "what is older than 30 s is forgotten";
  for (int i = 0; i < 4; ++i) {
    Succeed(1);
    Fail(4);
  }

  EXPECT_EQ(breaker_.state(now_), State::kOpen);
}

TEST_F(BreakerTest, TooManyRequestsAndWhatTheCallerAskedForDoNotOpenIt) {
  for (const auto kind : {chat::v1::PROVIDER_RATE_LIMITED, chat::v1::INVALID_REQUEST,
                          chat::v1::DEADLINE, chat::v1::IMPOSSIBLE_COST}) {
    EXPECT_EQ(VerdictOf(kind), Verdict::kNone) << kind;
  }
  EXPECT_EQ(VerdictOf(chat::v1::CONTEXT_WINDOW), Verdict::kWell);
  EXPECT_EQ(VerdictOf(chat::v1::CONTENT_POLICY), Verdict::kWell);
}

TEST_F(BreakerTest, ACredentialThatIsRefusedOpensItAtOnceForLong) {
  Fail(1, chat::v1::PROVIDER_AUTH);
  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(300));

  now_ += absl::Seconds(300);
  breaker_.OnFailed(Try(), chat::v1::PROVIDER_QUOTA, now_, 0);

  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(300));
}

TEST_F(BreakerTest, LetsOneCallTryAndClosesWithItsFirstOutput) {
  Fail(5);
  now_ += absl::Seconds(5);
  const PermitId trial = Try();
  EXPECT_EQ(breaker_.Wait(now_), absl::InfiniteDuration()) << "one at a time";

  EXPECT_TRUE(breaker_.OnFirstOutput(trial, now_));

  EXPECT_EQ(breaker_.state(now_), State::kClosed);
  EXPECT_FALSE(breaker_.OnFirstOutput(trial, now_));
  Fail(4);
  EXPECT_EQ(breaker_.state(now_), State::kClosed) << "it counts anew";
}

TEST_F(BreakerTest, AFailedTrialDoublesTheTimeUpToTheMost) {
  Fail(5);
  absl::Duration wait = absl::Seconds(5);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(breaker_.Wait(now_), wait);
    now_ += wait;
    breaker_.OnFailed(Try(), kBusy, now_, 0);
    wait = std::min(wait * 2, absl::Seconds(300));
  }
  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(300));
  EXPECT_EQ(breaker_.openings(), 11);
}

TEST_F(BreakerTest, ATrialThatSaysNothingLeavesTheTurnToTheNext) {
  Fail(5);
  now_ += absl::Seconds(5);
  breaker_.OnNothing(Try());

  EXPECT_TRUE(breaker_.OnWell(Try(), now_));
}

TEST_F(BreakerTest, CallsOfTheTimeBeforeSayNothing) {
  const PermitId slow = next_++;
  const PermitId slower = next_++;
  Fail(5);
  breaker_.OnFailed(slow, kBusy, now_, 0);
  EXPECT_FALSE(breaker_.OnWell(slower, now_));
  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(5)) << "neither longer nor over";
  now_ += absl::Seconds(5);
  breaker_.OnFirstOutput(Try(), now_);

  for (int i = 0; i < 10; ++i) breaker_.OnFailed(slow, kBusy, now_, 0);

  EXPECT_EQ(breaker_.state(now_), State::kClosed);
}

TEST_F(BreakerTest, FailingAgainSoonAfterItClosedCountsAsAFailedTrial) {
  Fail(5);
  now_ += absl::Seconds(5);
  breaker_.OnFirstOutput(Try(), now_);
  Fail(5);
  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(10));

  now_ += absl::Seconds(10);
  breaker_.OnFirstOutput(Try(), now_);
  now_ += absl::Seconds(11);
  Fail(5);

  EXPECT_EQ(breaker_.Wait(now_), absl::Seconds(5));
}

TEST_F(BreakerTest, JitterLengthensTheTimeByAQuarterAtMost) {
  breaker_.OnBegin(1);
  for (int i = 0; i < 5; ++i) breaker_.OnFailed(1, kBusy, now_, /*jitter=*/1);

  EXPECT_EQ(breaker_.Wait(now_), absl::Milliseconds(6250));
}

TEST(BreakerOptionsOf, AreTheSettings) {
  config::v1::Model model;
  EXPECT_EQ(BreakerOptionsOf(model).failures, 5);
  model.mutable_breaker()->set_failures(3);
  model.mutable_breaker()->mutable_open()->set_seconds(7);

  EXPECT_EQ(BreakerOptionsOf(model).failures, 3);
  EXPECT_EQ(BreakerOptionsOf(model).open, absl::Seconds(7));
}

}  // namespace
}  // namespace penstock::dispatcher
