#include "tests/providersim/anthropic/limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

constexpr int64_t kIdleRequests = 4000;
constexpr int64_t kIdleTokens = 2'000'000;

absl::string_view HeaderName(Dimension dimension) {
  constexpr absl::string_view kNames[] = {"requests", "tokens", "input-tokens", "output-tokens"};
  return kNames[static_cast<size_t>(dimension)];
}

absl::string_view Wording(Dimension dimension) {
  constexpr absl::string_view kNames[] = {"requests", "tokens", "input tokens", "output tokens"};
  return kNames[static_cast<size_t>(dimension)];
}

std::string Moment(absl::Time time) {
  const absl::Time whole =
      absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), absl::Seconds(1));
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", whole, absl::UTCTimeZone());
}

}  // namespace

std::string LimitHeaders(const std::vector<LimitState>& states, absl::Time now) {
  std::string headers;
  for (const LimitState& state : states) {
    const std::string name = absl::StrCat("anthropic-ratelimit-", HeaderName(state.dimension));
    absl::StrAppend(&headers, name, "-limit: ", state.limit, "\r\n", name,
                    "-remaining: ", state.remaining, "\r\n", name,
                    "-reset: ", Moment(now + absl::Microseconds(state.reset)), "\r\n");
  }
  return headers;
}

std::string IdleLimitHeaders(int64_t prompt_tokens, absl::Time now) {
  return LimitHeaders({{.dimension = Dimension::kRequests,
                        .limit = kIdleRequests,
                        .remaining = kIdleRequests - 1,
                        .reset = kSecond},
                       {.dimension = Dimension::kInputTokens,
                        .limit = kIdleTokens,
                        .remaining = std::max<int64_t>(0, kIdleTokens - prompt_tokens),
                        .reset = kSecond},
                       {.dimension = Dimension::kOutputTokens,
                        .limit = kIdleTokens,
                        .remaining = kIdleTokens,
                        .reset = 0}},
                      now);
}

ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model) {
  const absl::string_view what = Wording(exceeded.dimension);
  if (!exceeded.retry_after) {
    return {.status = 429,
            .message = absl::StrCat("This request asks for ", exceeded.requested, " ", what,
                                    ", more than your organization's rate limit of ",
                                    exceeded.limit, " ", what, " per minute for ", model,
                                    " ever allows at once. Please reduce the prompt length or the "
                                    "maximum tokens requested."),
            .type = "rate_limit_error"};
  }
  return {.status = 429,
          .message = absl::StrCat(
              "This request would exceed your organization's rate limit of ", exceeded.limit, " ",
              what, " per minute (organization: providersim, model: ", model,
              "). For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see "
              "the response headers for current usage."),
          .type = "rate_limit_error"};
}

}  // namespace penstock::providersim::anthropic
