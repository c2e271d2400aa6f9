#include "services/dispatcher/limits/rate_limiter.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kStart = absl::Seconds(1000);
const absl::Duration kLater = kStart + absl::Minutes(10);
constexpr absl::Duration kNow = absl::ZeroDuration();
constexpr CallSize kSmall{.input_tokens = 10, .output_tokens = 10};

config::v1::Model Model(int32_t concurrency, int64_t tokens_per_minute = 0) {
  config::v1::Model model;
  model.set_concurrency(concurrency);
  model.mutable_limits()->set_tokens_per_minute(tokens_per_minute);
  model.mutable_limits()->set_cached_input_weight(1);
  return model;
}

chat::v1::Usage Used(int64_t input, int64_t output) {
  chat::v1::Usage usage;
  usage.set_input_tokens(input);
  usage.set_output_tokens(output);
  return usage;
}

TEST(RateLimiter, WithoutLimitsOnlyTheConcurrencyCounts) {
  RateLimiter limiter(Model(2), kStart);
  EXPECT_EQ(limiter.Reserve(1, {1'000'000, 1'000'000}, kStart), kNow);
  EXPECT_EQ(limiter.Reserve(2, kSmall, kStart), kNow);

  EXPECT_EQ(limiter.Reserve(3, kSmall, kStart), absl::InfiniteDuration());
  EXPECT_EQ(limiter.in_flight(), 2);
}

TEST(RateLimiter, FreesASlotByEveryKindOfEnd) {
  RateLimiter limiter(Model(1), kStart);
  for (PermitId permit = 1; permit < 100; permit += 4) {
    EXPECT_EQ(limiter.Reserve(permit, kSmall, kStart), kNow);
    limiter.Settle(permit, {}, kStart);
    EXPECT_EQ(limiter.Reserve(permit + 1, kSmall, kStart), kNow);
    limiter.GiveBack(permit + 1, kStart);
    EXPECT_EQ(limiter.Reserve(permit + 2, kSmall, kStart), kNow);
    limiter.Expire(permit + 2, kStart);
    EXPECT_EQ(limiter.Reserve(permit + 3, kSmall, kStart), kNow);
    limiter.Expire(permit + 3, kStart);
  }
  EXPECT_EQ(limiter.in_flight(), 0);
}

TEST(RateLimiter, AReservationEndsOnceHoweverOftenItIsEnded) {
  RateLimiter limiter(Model(2, 6000), kStart);
  ASSERT_EQ(limiter.Reserve(1, {1000, 4000}, kLater), kNow);
  limiter.Settle(1, Used(1000, 0), kLater);
  limiter.Settle(1, Used(0, 0), kLater);
  limiter.GiveBack(1, kLater);
  limiter.Refused(1, absl::Hours(1), {}, kLater);
  limiter.Expire(77, kLater);

  EXPECT_EQ(limiter.in_flight(), 0);
  EXPECT_EQ(limiter.Reserve(2, {4800, 0}, kLater), kNow);
  EXPECT_GT(limiter.Reserve(3, {200, 0}, kLater), kNow) << "1,000 tokens were not given back";
}

TEST(RateLimiter, SaysHowManyCallsASecondItsLimitsAllow) {
  RateLimiter limiter(Model(2, 6000), kStart);
  EXPECT_EQ(limiter.calls_per_second(), 0) << "no call has ended";
  ASSERT_EQ(limiter.Reserve(1, {100, 400}, kLater), kNow);
  limiter.Settle(1, Used(30, 20), kLater);
  EXPECT_DOUBLE_EQ(limiter.calls_per_second(), 2);

  RateLimiter unlimited(Model(2), kStart);
  ASSERT_EQ(unlimited.Reserve(1, kSmall, kStart), kNow);
  unlimited.Settle(1, Used(30, 20), kStart);
  EXPECT_EQ(unlimited.calls_per_second(), std::numeric_limits<double>::infinity());
}

TEST(RateLimiter, WhatWasNotReportedCountsAsReserved) {
  RateLimiter limiter(Model(2, 6000), kStart);
  ASSERT_EQ(limiter.Reserve(1, {1000, 4000}, kLater), kNow);
  limiter.Settle(1, {}, kLater);

  EXPECT_GT(limiter.Reserve(2, {1000, 0}, kLater), kNow);
}

TEST(RateLimiter, ACallGivenBackTookNothing) {
  RateLimiter limiter(Model(2, 6000), kStart);
  ASSERT_EQ(limiter.Reserve(1, {1000, 4000}, kLater), kNow);
  limiter.GiveBack(1, kLater);

  EXPECT_EQ(limiter.Reserve(2, {1000, 4000}, kLater), kNow);
}

TEST(RateLimiter, RefusedItPausesAndGoesOnMoreSlowly) {
  RateLimiter limiter(Model(10, 6000), kStart);
  ASSERT_EQ(limiter.Reserve(1, {100, 100}, kLater), kNow);
  limiter.Refused(1, absl::Seconds(20), {}, kLater);

  EXPECT_EQ(limiter.Reserve(2, kSmall, kLater), absl::Seconds(20));
  // 20 s of refill at 0.7 of 100 tokens a second.
  const absl::Duration now = kLater + absl::Seconds(20);
  EXPECT_GT(limiter.Reserve(3, {1500, 0}, now), kNow);
  EXPECT_EQ(limiter.Reserve(4, {1300, 0}, now), kNow);
}

TEST(RateLimiter, AfterACutTheLargestCallWaitsForTheRateToClimb) {
  RateLimiter limiter(Model(10, 6000), kStart);
  ASSERT_EQ(limiter.Reserve(1, kSmall, kLater), kNow);
  limiter.Refused(1, absl::Seconds(1), {}, kLater);

  absl::Duration now = kLater;
  absl::Duration wait = kNow;
  do {
    now += wait + absl::Nanoseconds(1);
    wait = limiter.Reserve(2, {5000, 0}, now);
    ASSERT_LE(wait, absl::Minutes(1));
  } while (wait > kNow);
  EXPECT_GT(now, kLater + absl::Minutes(1));
  EXPECT_LT(now, kLater + absl::Minutes(4));
}

TEST(RateLimiter, SaysWhatIsImpossibleAndWhatToDo) {
  RateLimiter limiter(Model(10, 6000), kStart);

  EXPECT_TRUE(limiter.CheckPossible({1000, 4000}).ok());
  const absl::Status status = limiter.CheckPossible({3000, 4096});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("needs 7096 tokens at once"));
  EXPECT_THAT(status.message(), testing::HasSubstr("max_output_tokens"));
}

TEST(RateLimiter, WhereGeneratedTokensCountItReservesWhatAnswersTake) {
  auto model = Model(1000, 60'000);
  model.mutable_limits()->set_output_counted("GENERATED");
  RateLimiter limiter(model, kStart);
  for (PermitId permit = 1; permit <= 300; ++permit) {
    ASSERT_EQ(limiter.Reserve(permit, {0, 4000}, kLater + permit * absl::Seconds(5)), kNow);
    limiter.Settle(permit, Used(0, 100), kLater + permit * absl::Seconds(5));
  }

  const absl::Duration now = kLater + absl::Hours(1);
  PermitId permit = 1000;
  while (limiter.Reserve(permit, {0, 4000}, now) == kNow) ++permit;
  EXPECT_GT(permit, 1300) << "as many as answers of 100 tokens, not of 4,000";
}

TEST(RateLimiter, WhereGeneratedTokensCountACallWithoutAReportTookWhatWasReserved) {
  auto model = Model(10, 6000);
  model.mutable_limits()->set_output_counted("GENERATED");
  RateLimiter limiter(model, kStart);
  ASSERT_EQ(limiter.Reserve(1, {0, 4000}, kLater), kNow);
  limiter.Settle(1, Used(0, 100), kLater);
  ASSERT_EQ(limiter.Reserve(2, {0, 4000}, kLater), kNow);
  limiter.Settle(2, {}, kLater);

  EXPECT_EQ(limiter.Reserve(3, {5000, 100}, kLater), kNow) << "200 tokens, not 4,000";
}

TEST(RateLimiter, CachedInputCountsAsTheProviderSays) {
  auto model = Model(10, 6000);
  model.mutable_limits()->set_cached_input_weight(0);
  RateLimiter limiter(model, kStart);
  ASSERT_EQ(limiter.Reserve(1, {5000, 0}, kLater), kNow);
  auto usage = Used(5000, 0);
  usage.set_cache_read_input_tokens(5000);
  limiter.Settle(1, usage, kLater);

  EXPECT_EQ(limiter.Reserve(2, {5000, 0}, kLater), kNow);
}

}  // namespace
}  // namespace penstock::dispatcher
