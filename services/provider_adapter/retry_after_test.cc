#include "services/provider_adapter/retry_after.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

// Sun, 06 Nov 1994 08:49:37 GMT.
const absl::Time kNow = absl::FromUnixSeconds(784'111'777);

std::optional<absl::Duration> Of(std::initializer_list<absl::string_view> lines) {
  http::HttpHeaders headers;
  for (const absl::string_view line : lines) headers.Append(absl::StrCat(line, "\r\n"));
  return RetryAfter(headers, kNow);
}

TEST(RetryAfter, ReadsSecondsFractionsAndDates) {
  EXPECT_EQ(Of({"Retry-After: 20"}), absl::Seconds(20));
  EXPECT_EQ(Of({"retry-after: 0.25"}), absl::Milliseconds(250));
  EXPECT_EQ(Of({"Retry-After: Sun, 06 Nov 1994 08:50:37 GMT"}), absl::Seconds(60));
  EXPECT_EQ(Of({"Retry-After: Sun, 06 Nov 1994 08:00:00 GMT"}), absl::ZeroDuration());
}

TEST(RetryAfter, PrefersMilliseconds) {
  EXPECT_EQ(Of({"retry-after: 20", "retry-after-ms: 1500"}), absl::Milliseconds(1500));
}

TEST(RetryAfter, TakesTheResetOfALimitThatIsUsedUp) {
  EXPECT_EQ(Of({"x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 120ms",
                "x-ratelimit-remaining-tokens: 17", "x-ratelimit-reset-tokens: 6m0s"}),
            absl::Milliseconds(120));
  EXPECT_EQ(Of({"x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 120ms",
                "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s"}),
            absl::Minutes(6));
}

TEST(RetryAfter, TakesTheTimeThatAnthropicGivesForALimitThatIsUsedUp) {
  const auto at = [](absl::Duration after) {
    return absl::FormatTime(absl::RFC3339_full, kNow + after, absl::UTCTimeZone());
  };

  EXPECT_EQ(Of({"anthropic-ratelimit-requests-remaining: 0",
                absl::StrCat("anthropic-ratelimit-requests-reset: ", at(absl::Seconds(3))),
                "anthropic-ratelimit-input-tokens-remaining: 0",
                absl::StrCat("anthropic-ratelimit-input-tokens-reset: ", at(absl::Seconds(41))),
                "anthropic-ratelimit-output-tokens-remaining: 8000",
                absl::StrCat("anthropic-ratelimit-output-tokens-reset: ", at(absl::Hours(1)))}),
            absl::Seconds(41));
  EXPECT_EQ(Of({"retry-after: 7", "anthropic-ratelimit-requests-remaining: 0",
                absl::StrCat("anthropic-ratelimit-requests-reset: ", at(absl::Seconds(3)))}),
            absl::Seconds(7));
  EXPECT_EQ(ParseResetTime("6m0s", kNow), std::nullopt);
  EXPECT_EQ(ParseResetTime(at(-absl::Seconds(1)), kNow), absl::ZeroDuration());
}

TEST(RetryAfter, IsAbsentWhenNothingSensibleIsSaid) {
  EXPECT_EQ(Of({}), std::nullopt);
  EXPECT_EQ(Of({"Retry-After: soon"}), std::nullopt);
  EXPECT_EQ(Of({"Retry-After: nan"}), std::nullopt);
  EXPECT_EQ(Of({"x-ratelimit-remaining-requests: 3", "x-ratelimit-reset-requests: 120ms"}),
            std::nullopt);
}

TEST(RetryAfter, IsBounded) {
  EXPECT_EQ(Of({"Retry-After: -5"}), absl::ZeroDuration());
  EXPECT_EQ(Of({"Retry-After: 1e300"}), absl::Hours(24));
}

TEST(RetryAfter, ParsesDurationsAsGoWritesThem) {
  EXPECT_EQ(ParseResetDuration("1h2m3.5s"),
            absl::Hours(1) + absl::Minutes(2) + absl::Milliseconds(3500));
  EXPECT_EQ(ParseResetDuration("0s"), absl::ZeroDuration());
  EXPECT_EQ(ParseResetDuration("12"), absl::Seconds(12));
  EXPECT_EQ(ParseResetDuration("2026-11-21T00:00:00Z"), std::nullopt);
}

}  // namespace
}  // namespace penstock::provider_adapter
