#include "services/dispatcher/limits/quota.h"

#include <string>

#include <gtest/gtest.h>

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kStart = absl::Seconds(1000);
const absl::Duration kLater = kStart + absl::Minutes(10);
constexpr absl::Duration kNow = absl::ZeroDuration();

config::v1::Limits TokensAMinute(int64_t tokens, const std::string& renewal = "REFILLED") {
  config::v1::Limits limits;
  limits.set_tokens_per_minute(tokens);
  limits.set_renewal(renewal);
  return limits;
}

Amounts Tokens(double tokens) { return {1, tokens, tokens, 0}; }

class QuotaRenewal : public testing::TestWithParam<const char*> {};

TEST_P(QuotaRenewal, BeginsEmptyAndIsWholeAMinuteLater) {
  Quota quota(TokensAMinute(6000, GetParam()), kStart);

  EXPECT_GT(quota.TimeTo(Tokens(3000), kStart), absl::Seconds(25));
  EXPECT_EQ(quota.TimeTo(Tokens(3000), kStart + absl::Seconds(35)), kNow);
}

TEST_P(QuotaRenewal, WaitsAsLongAsItSaid) {
  Quota quota(TokensAMinute(6000, GetParam()), kStart);
  absl::Duration now = kStart;
  for (PermitId permit = 1; permit < 200; ++permit) {
    const Amounts amounts = Tokens(static_cast<double>(permit * 37 % 900));
    const absl::Duration wait = quota.TimeTo(amounts, now);
    // A nanosecond for the rounding of seconds.
    now += wait + absl::Nanoseconds(1);
    ASSERT_EQ(quota.TimeTo(amounts, now), kNow) << permit << " after " << wait;
    quota.Reserve(permit, amounts, {}, now);
  }
  EXPECT_GT(now - kStart, absl::Minutes(10)) << "89,000 tokens at 6,000 a minute";
}

TEST_P(QuotaRenewal, WhatACallDidNotTakeIsThereAgain) {
  Quota quota(TokensAMinute(6000, GetParam()), kStart);
  // In the middle of a minute, whenever that began.
  const absl::Duration now = kLater + absl::Seconds(40);
  ASSERT_EQ(quota.TimeTo(Tokens(3500), now), kNow);
  quota.Reserve(1, Tokens(3500), {0, 3000, 0, 0}, now);
  ASSERT_GT(quota.TimeTo(Tokens(3000), now), kNow);

  quota.Settle(1, Tokens(500), now);
  quota.Settle(1, Tokens(0), now);

  EXPECT_EQ(quota.TimeTo(Tokens(3000), now), kNow);
  EXPECT_GT(quota.TimeTo(Tokens(5900), now), kNow) << "settled once";
}

INSTANTIATE_TEST_SUITE_P(, QuotaRenewal, testing::Values("REFILLED", "SLIDING", "FIXED"),
                         [](const auto& renewal) { return std::string(renewal.param); });

TEST(Quota, EveryDimensionThatIsLimitedMustHaveRoom) {
  config::v1::Limits limits = TokensAMinute(6000);
  limits.set_requests_per_minute(60);
  Quota quota(limits, kStart);

  for (PermitId permit = 1; quota.TimeTo(Tokens(1), kLater) == kNow; ++permit) {
    quota.Reserve(permit, Tokens(1), {}, kLater);
    ASSERT_LT(permit, 60) << "more requests than there are";
  }
}

TEST(Quota, NamesWhatCanNeverFit) {
  Quota quota(TokensAMinute(6000), kStart);

  EXPECT_FALSE(quota.NeverFits(Tokens(5800)).has_value());
  const auto too_much = quota.NeverFits(Tokens(7000));
  ASSERT_TRUE(too_much.has_value());
  EXPECT_EQ(too_much->dimension, Dimension::kTokens);
  EXPECT_EQ(too_much->needed, 7000);
  EXPECT_LT(too_much->allowed, 6000);
}

TEST(Quota, ACutMakesNothingImpossible) {
  Quota quota(TokensAMinute(6000), kStart);
  quota.SetFactor(0.5, kStart);

  EXPECT_FALSE(quota.NeverFits(Tokens(5000)).has_value());
}

provider::v1::RateLimits Remaining(int64_t tokens) {
  provider::v1::RateLimits said;
  said.mutable_tokens()->set_remaining(tokens);
  return said;
}

TEST(Quota, BelievesTheProviderWhenItHasLessThanWeThought) {
  Quota quota(TokensAMinute(6000), kStart);
  quota.Reserve(1, Tokens(1000), {}, kLater);
  ASSERT_EQ(quota.TimeTo(Tokens(4000), kLater), kNow);

  quota.Learn(1, Remaining(2500), kLater);

  EXPECT_EQ(quota.TimeTo(Tokens(2400), kLater), kNow);
  EXPECT_GT(quota.TimeTo(Tokens(2600), kLater), kNow);
}

TEST(Quota, DoesNotBelieveThatThereIsMore) {
  Quota quota(TokensAMinute(6000), kStart);
  quota.Reserve(1, Tokens(5000), {}, kLater);

  quota.Learn(1, Remaining(6000), kLater);

  EXPECT_GT(quota.TimeTo(Tokens(2000), kLater), kNow);
}

TEST(Quota, AStatedLimitCountsWhileItIsBelowTheConfiguredOne) {
  Quota quota(TokensAMinute(6000), kStart);
  provider::v1::RateLimits said;
  quota.Reserve(1, Tokens(1), {}, kLater);
  said.mutable_tokens()->set_limit(600);
  quota.Learn(1, said, kLater);
  EXPECT_TRUE(quota.NeverFits(Tokens(1000)).has_value());

  said.mutable_tokens()->set_limit(60000);
  quota.Learn(1, said, kLater);
  EXPECT_FALSE(quota.NeverFits(Tokens(5000)).has_value());
  EXPECT_TRUE(quota.NeverFits(Tokens(7000)).has_value());
}

TEST(Quota, EmptiedItRenewsAtItsRate) {
  for (const std::string renewal : {"REFILLED", "SLIDING", "FIXED"}) {
    Quota quota(TokensAMinute(6000, renewal), kStart);
    quota.Empty(kLater);

    EXPECT_GT(quota.TimeTo(Tokens(300), kLater), kNow) << renewal;
    EXPECT_EQ(quota.TimeTo(Tokens(300), kLater + absl::Seconds(6)), kNow) << renewal;
  }
}

}  // namespace
}  // namespace penstock::dispatcher
