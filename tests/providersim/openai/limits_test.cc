#include "tests/providersim/openai/limits.h"

#include <gtest/gtest.h>

namespace penstock::providersim::openai {
namespace {

TEST(GoDuration, IsWrittenAsGoDoesRoundedUpToAMillisecond) {
  EXPECT_EQ(GoDuration(0), "0s");
  EXPECT_EQ(GoDuration(1), "1ms");
  EXPECT_EQ(GoDuration(120'000), "120ms");
  EXPECT_EQ(GoDuration(999'001), "1s");
  EXPECT_EQ(GoDuration(1'500'000), "1.5s");
  EXPECT_EQ(GoDuration(1'020'000), "1.02s");
  EXPECT_EQ(GoDuration(6 * kMinute), "6m0s");
  EXPECT_EQ(GoDuration(kMinute + 7'001), "1m0.008s");
  EXPECT_EQ(GoDuration(61 * kMinute), "1h1m0s");
}

TEST(LimitHeaders, AreThreeForEveryDimension) {
  EXPECT_EQ(
      LimitHeaders(
          {{.dimension = Dimension::kRequests, .limit = 60, .remaining = 59, .reset = kSecond},
           {.dimension = Dimension::kInputTokens,
            .limit = 600,
            .remaining = 0,
            .reset = 360 * kSecond}}),
      "x-ratelimit-limit-requests: 60\r\n"
      "x-ratelimit-remaining-requests: 59\r\n"
      "x-ratelimit-reset-requests: 1s\r\n"
      "x-ratelimit-limit-input-tokens: 600\r\n"
      "x-ratelimit-remaining-input-tokens: 0\r\n"
      "x-ratelimit-reset-input-tokens: 6m0s\r\n");
}

TEST(LimitError, SaysWhichLimitAndWhenToTryAgain) {
  const ApiError error = LimitError({.dimension = Dimension::kTokens,
                                     .limit = 30'000,
                                     .remaining = 63,
                                     .requested = 385,
                                     .retry_after = 644'000},
                                    "sim");

  EXPECT_EQ(error.status, 429);
  EXPECT_EQ(error.type, "tokens");
  EXPECT_EQ(error.code, "rate_limit_exceeded");
  EXPECT_EQ(error.message,
            "Rate limit reached for sim in organization providersim on tokens per min (TPM): Limit "
            "30000, Used 29937, Requested 385. Please try again in 644ms. Visit "
            "https://platform.openai.com/account/rate-limits to learn more.");
}

TEST(LimitError, SaysThatARequestIsTooLarge) {
  const ApiError error = LimitError(
      {.dimension = Dimension::kOutputTokens, .limit = 1000, .remaining = 10, .requested = 4096},
      "sim");

  EXPECT_EQ(error.type, "tokens");
  EXPECT_EQ(error.code, "rate_limit_exceeded");
  EXPECT_EQ(error.message,
            "Request too large for sim in organization providersim on output tokens per min "
            "(OTPM): Limit 1000, Requested 4096. The input or output tokens must be reduced in "
            "order to run successfully. Visit https://platform.openai.com/account/rate-limits to "
            "learn more.");
}

}  // namespace
}  // namespace penstock::providersim::openai
