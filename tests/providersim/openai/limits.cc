#include "tests/providersim/openai/limits.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::openai {
namespace {

constexpr int64_t kIdleRequests = 30'000;
constexpr int64_t kIdleTokens = 150'000'000;
constexpr absl::string_view kAdvice =
    "Visit https://platform.openai.com/account/rate-limits to learn more.";

absl::string_view HeaderName(Dimension dimension) {
  constexpr absl::string_view kNames[] = {"requests", "tokens", "input-tokens", "output-tokens"};
  return kNames[static_cast<size_t>(dimension)];
}

absl::string_view Wording(Dimension dimension) {
  constexpr absl::string_view kNames[] = {"requests per min (RPM)", "tokens per min (TPM)",
                                          "input tokens per min (ITPM)",
                                          "output tokens per min (OTPM)"};
  return kNames[static_cast<size_t>(dimension)];
}

// "1.5s" of 1500: without the zeros at the end.
std::string Seconds(int64_t millis) {
  std::string text = absl::StrCat(millis / 1000);
  if (millis % 1000 != 0) {
    absl::StrAppend(&text, ".", absl::Dec(millis % 1000, absl::kZeroPad3));
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "s";
}

}  // namespace

std::string GoDuration(Micros duration) {
  const int64_t millis = WholeMillis(duration);
  const int64_t minutes = millis / 60'000;
  if (millis > 0 && millis < 1000) return absl::StrCat(millis, "ms");
  if (minutes == 0) return Seconds(millis);
  const std::string rest = absl::StrCat(minutes % 60, "m", Seconds(millis % 60'000));
  return minutes < 60 ? rest : absl::StrCat(minutes / 60, "h", rest);
}

std::string LimitHeaders(const std::vector<LimitState>& states) {
  std::string headers;
  for (const LimitState& state : states) {
    const absl::string_view name = HeaderName(state.dimension);
    absl::StrAppend(&headers, "x-ratelimit-limit-", name, ": ", state.limit, "\r\n");
    absl::StrAppend(&headers, "x-ratelimit-remaining-", name, ": ", state.remaining, "\r\n");
    absl::StrAppend(&headers, "x-ratelimit-reset-", name, ": ", GoDuration(state.reset), "\r\n");
  }
  return headers;
}

std::string IdleLimitHeaders(int64_t prompt_tokens) {
  return absl::StrCat("x-ratelimit-limit-requests: ", kIdleRequests,
                      "\r\nx-ratelimit-limit-tokens: ", kIdleTokens,
                      "\r\nx-ratelimit-remaining-requests: ", kIdleRequests - 1,
                      "\r\nx-ratelimit-remaining-tokens: ", kIdleTokens - prompt_tokens,
                      "\r\nx-ratelimit-reset-requests: 2ms\r\nx-ratelimit-reset-tokens: ",
                      prompt_tokens * 60'000 / kIdleTokens, "ms\r\n");
}

ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model) {
  const std::string where = absl::StrCat(" for ", model, " in organization providersim on ",
                                         Wording(exceeded.dimension), ": Limit ", exceeded.limit);
  const std::string message =
      exceeded.retry_after
          ? absl::StrCat("Rate limit reached", where, ", Used ",
                         exceeded.limit - exceeded.remaining, ", Requested ", exceeded.requested,
                         ". Please try again in ", GoDuration(*exceeded.retry_after), ". ")
          : absl::StrCat("Request too large", where, ", Requested ", exceeded.requested,
                         ". The input or output tokens must be reduced in order to run "
                         "successfully. ");
  return {.status = 429,
          .message = absl::StrCat(message, kAdvice),
          .type = exceeded.dimension == Dimension::kRequests ? "requests" : "tokens",
          .code = "rate_limit_exceeded"};
}

}  // namespace penstock::providersim::openai
