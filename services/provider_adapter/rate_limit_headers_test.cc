#include "services/provider_adapter/rate_limit_headers.h"

#include <initializer_list>

#include <gtest/gtest.h>

#include "libs/base/proto_time.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

http::HttpHeaders Headers(std::initializer_list<absl::string_view> lines) {
  http::HttpHeaders headers;
  for (const absl::string_view line : lines) headers.Append(absl::StrCat(line, "\r\n"));
  return headers;
}

TEST(RateLimitHeaders, OpenAiStatesRequestsAndTokensAndResetsAsDurations) {
  const auto limits = *RateLimitsOf(
      Headers({"x-ratelimit-limit-requests: 500", "x-ratelimit-remaining-requests: 499",
               "x-ratelimit-reset-requests: 120ms", "x-ratelimit-limit-tokens: 30000",
               "x-ratelimit-remaining-tokens: 29000", "x-ratelimit-reset-tokens: 1m2s"}),
      kNow);

  EXPECT_EQ(limits.requests().limit(), 500);
  EXPECT_EQ(limits.requests().remaining(), 499);
  EXPECT_EQ(FromProto(limits.requests().reset()), absl::Milliseconds(120));
  EXPECT_EQ(limits.tokens().remaining(), 29000);
  EXPECT_EQ(FromProto(limits.tokens().reset()), absl::Seconds(62));
  EXPECT_FALSE(limits.has_input_tokens());
}

TEST(RateLimitHeaders, AnthropicStatesInputAndOutputApartAndResetsAsTimes) {
  const auto limits = *RateLimitsOf(
      Headers({"anthropic-ratelimit-input-tokens-limit: 40000",
               "anthropic-ratelimit-input-tokens-remaining: 39000",
               absl::StrCat("anthropic-ratelimit-input-tokens-reset: ",
                            absl::FormatTime(absl::RFC3339_sec, kNow + absl::Seconds(2),
                                             absl::UTCTimeZone())),
               "anthropic-ratelimit-output-tokens-remaining: 0"}),
      kNow);

  EXPECT_EQ(limits.input_tokens().limit(), 40000);
  EXPECT_EQ(limits.input_tokens().remaining(), 39000);
  EXPECT_EQ(FromProto(limits.input_tokens().reset()), absl::Seconds(2));
  EXPECT_TRUE(limits.output_tokens().has_remaining());
  EXPECT_FALSE(limits.output_tokens().has_limit());
  EXPECT_FALSE(limits.has_requests());
}

TEST(RateLimitHeaders, WhatIsAbsentOrNoCountIsLeftOut) {
  EXPECT_FALSE(RateLimitsOf(Headers({}), kNow).has_value());
  const auto limits = *RateLimitsOf(
      Headers({"x-ratelimit-limit-requests: many", "x-ratelimit-remaining-requests: -1",
               "x-ratelimit-limit-tokens: 7", "x-ratelimit-reset-tokens: soon"}),
      kNow);

  EXPECT_FALSE(limits.has_requests());
  EXPECT_EQ(limits.tokens().limit(), 7);
  EXPECT_FALSE(limits.tokens().has_reset());
}

}  // namespace
}  // namespace penstock::provider_adapter
