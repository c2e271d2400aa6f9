#include "services/provider_adapter/rate_limit_headers.h"

#include <string>

#include "libs/base/proto_time.h"
#include "services/provider_adapter/retry_after.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::RateLimits;

std::optional<int64_t> CountIn(const http::HttpHeaders& headers, absl::string_view name) {
  const auto text = headers.Find(name);
  int64_t count = 0;
  if (!text || !absl::SimpleAtoi(*text, &count) || count < 0) return std::nullopt;
  return count;
}

void ReadOpenAi(const http::HttpHeaders& headers, absl::string_view what,
                RateLimits::Allowance& allowance) {
  if (const auto limit = CountIn(headers, absl::StrCat("x-ratelimit-limit-", what))) {
    allowance.set_limit(*limit);
  }
  if (const auto remaining = CountIn(headers, absl::StrCat("x-ratelimit-remaining-", what))) {
    allowance.set_remaining(*remaining);
  }
  const auto text = headers.Find(absl::StrCat("x-ratelimit-reset-", what));
  if (!text) return;
  if (const auto reset = ParseResetDuration(*text)) *allowance.mutable_reset() = ToProto(*reset);
}

void ReadAnthropic(const http::HttpHeaders& headers, absl::string_view what, absl::Time now,
                   RateLimits::Allowance& allowance) {
  const std::string prefix = absl::StrCat("anthropic-ratelimit-", what);
  if (const auto limit = CountIn(headers, absl::StrCat(prefix, "-limit"))) {
    allowance.set_limit(*limit);
  }
  if (const auto remaining = CountIn(headers, absl::StrCat(prefix, "-remaining"))) {
    allowance.set_remaining(*remaining);
  }
  const auto text = headers.Find(absl::StrCat(prefix, "-reset"));
  if (!text) return;
  if (const auto reset = ParseResetTime(*text, now)) *allowance.mutable_reset() = ToProto(*reset);
}

// Not even an empty message for what the provider does not limit.
template <class Get>
void Read(const http::HttpHeaders& headers, absl::string_view what, absl::Time now,
          RateLimits& limits, Get get) {
  RateLimits::Allowance found;
  ReadOpenAi(headers, what, found);
  if (!found.has_limit() && !found.has_remaining()) ReadAnthropic(headers, what, now, found);
  if (found.has_limit() || found.has_remaining()) *get(limits) = std::move(found);
}

}  // namespace

std::optional<RateLimits> RateLimitsOf(const http::HttpHeaders& headers, absl::Time now) {
  RateLimits limits;
  Read(headers, "requests", now, limits, [](RateLimits& all) { return all.mutable_requests(); });
  Read(headers, "tokens", now, limits, [](RateLimits& all) { return all.mutable_tokens(); });
  Read(headers, "input-tokens", now, limits,
       [](RateLimits& all) { return all.mutable_input_tokens(); });
  Read(headers, "output-tokens", now, limits,
       [](RateLimits& all) { return all.mutable_output_tokens(); });
  const bool any = limits.has_requests() || limits.has_tokens() || limits.has_input_tokens() ||
                   limits.has_output_tokens();
  return any ? std::optional(std::move(limits)) : std::nullopt;
}

}  // namespace penstock::provider_adapter
