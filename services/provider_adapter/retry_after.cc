#include "services/provider_adapter/retry_after.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

constexpr absl::Duration kLongest = absl::Hours(24);

absl::Duration Clamp(absl::Duration wait) {
  return std::clamp(wait, absl::ZeroDuration(), kLongest);
}

std::optional<absl::Duration> ParseSeconds(absl::string_view text) {
  double seconds = 0;
  if (!absl::SimpleAtod(text, &seconds) || !std::isfinite(seconds)) return std::nullopt;
  return Clamp(absl::Seconds(seconds));
}

// RFC 9110 section 10.2.3; the only date form that is sent today.
std::optional<absl::Duration> ParseDate(absl::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", text, &time, &error)) return std::nullopt;
  return Clamp(time - now);
}

// An empty optional is less than any duration.
std::optional<absl::Duration> ResetOf(const http::HttpHeaders& headers, absl::string_view what,
                                      absl::Time now) {
  const std::string prefix = absl::StrCat("anthropic-ratelimit-", what);
  const auto left = headers.Find(absl::StrCat(prefix, "-remaining"));
  const auto time = headers.Find(absl::StrCat(prefix, "-reset"));
  if (left && *left == "0" && time) return ParseResetTime(*time, now);
  const auto remaining = headers.Find(absl::StrCat("x-ratelimit-remaining-", what));
  const auto reset = headers.Find(absl::StrCat("x-ratelimit-reset-", what));
  if (!remaining || *remaining != "0" || !reset) return std::nullopt;
  return ParseResetDuration(*reset);
}

}  // namespace

std::optional<absl::Duration> ParseResetDuration(absl::string_view text) {
  if (auto seconds = ParseSeconds(text)) return seconds;
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) return std::nullopt;
  return Clamp(duration);
}

std::optional<absl::Duration> ParseResetTime(absl::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return std::nullopt;
  return Clamp(time - now);
}

std::optional<absl::Duration> RetryAfter(const http::HttpHeaders& headers, absl::Time now) {
  if (const auto text = headers.Find("retry-after-ms")) {
    double millis = 0;
    if (absl::SimpleAtod(*text, &millis) && std::isfinite(millis)) {
      return Clamp(absl::Milliseconds(millis));
    }
  }
  if (const auto text = headers.Find("retry-after")) {
    if (auto wait = ParseSeconds(*text)) return wait;
    if (auto wait = ParseDate(*text, now)) return wait;
  }
  std::optional<absl::Duration> longest;
  for (const absl::string_view what : {"requests", "tokens", "input-tokens", "output-tokens"}) {
    longest = std::max(longest, ResetOf(headers, what, now));
  }
  return longest;
}

}  // namespace penstock::provider_adapter
