#include "tests/providersim/anthropic/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::providersim::anthropic {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixMillis(1'790'000'000'250);

TEST(AnthropicLimits, AreThreeHeadersForEveryDimensionWithAMomentOfReset) {
  EXPECT_EQ(
      LimitHeaders(
          {{.dimension = Dimension::kRequests, .limit = 60, .remaining = 59, .reset = kSecond},
           {.dimension = Dimension::kOutputTokens, .limit = 600, .remaining = 600, .reset = 0}},
          kNow),
      "anthropic-ratelimit-requests-limit: 60\r\n"
      "anthropic-ratelimit-requests-remaining: 59\r\n"
      "anthropic-ratelimit-requests-reset: 2026-09-21T14:13:22Z\r\n"
      "anthropic-ratelimit-output-tokens-limit: 600\r\n"
      "anthropic-ratelimit-output-tokens-remaining: 600\r\n"
      "anthropic-ratelimit-output-tokens-reset: 2026-09-21T14:13:21Z\r\n");
}

TEST(AnthropicLimits, AreWideOfAnIdleAccount) {
  EXPECT_THAT(IdleLimitHeaders(10, kNow),
              HasSubstr("anthropic-ratelimit-input-tokens-remaining: 1999990\r\n"));
}

TEST(AnthropicLimits, SayWhichOneIsExceeded) {
  const ApiError error = LimitError({.dimension = Dimension::kInputTokens,
                                     .limit = 30'000,
                                     .remaining = 63,
                                     .requested = 385,
                                     .retry_after = 644'000},
                                    "sim");

  EXPECT_EQ(error.status, 429);
  EXPECT_EQ(error.type, "rate_limit_error");
  EXPECT_THAT(error.message, HasSubstr("rate limit of 30000 input tokens per minute"));
}

TEST(AnthropicLimits, SayThatARequestIsTooLarge) {
  const ApiError error = LimitError(
      {.dimension = Dimension::kOutputTokens, .limit = 1000, .remaining = 10, .requested = 4096},
      "sim");

  EXPECT_THAT(error.message, HasSubstr("asks for 4096 output tokens, more than"));
}

}  // namespace
}  // namespace penstock::providersim::anthropic
