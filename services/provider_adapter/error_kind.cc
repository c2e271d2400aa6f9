#include "services/provider_adapter/error_kind.h"

#include <algorithm>
#include <array>

#include <boost/json/value.hpp>

#include "libs/base/proto_time.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/rate_limit_headers.h"
#include "services/provider_adapter/retry_after.h"
#include "services/provider_adapter/utf8_repair.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::ErrorKind;

constexpr size_t kMaxSaid = 500;

struct Code {
  absl::string_view name;
  ErrorKind kind;
};

// Codes and types that say more than the status.
constexpr std::array kCodes = {
    Code{"insufficient_quota", chat::v1::PROVIDER_QUOTA},
    Code{"billing_hard_limit_reached", chat::v1::PROVIDER_QUOTA},
    Code{"billing_not_active", chat::v1::PROVIDER_QUOTA},
    Code{"billing_error", chat::v1::PROVIDER_QUOTA},
    Code{"enforced_spend_limit_reached", chat::v1::PROVIDER_QUOTA},
    Code{"contract_spend_limit_reached", chat::v1::PROVIDER_QUOTA},
    Code{"ramp_limit_exceeded", chat::v1::PROVIDER_RATE_LIMITED},
    Code{"context_length_exceeded", chat::v1::CONTEXT_WINDOW},
    Code{"exceed_context_size_error", chat::v1::CONTEXT_WINDOW},
    Code{"request_too_large", chat::v1::CONTEXT_WINDOW},
    Code{"content_filter", chat::v1::CONTENT_POLICY},
    Code{"content_policy_violation", chat::v1::CONTENT_POLICY},
    Code{"bio_policy", chat::v1::CONTENT_POLICY},
    Code{"invalid_prompt", chat::v1::CONTENT_POLICY},
    Code{"rate_limit_exceeded", chat::v1::PROVIDER_RATE_LIMITED},
    Code{"rate_limit_error", chat::v1::PROVIDER_RATE_LIMITED},
    Code{"overloaded_error", chat::v1::PROVIDER_OVERLOADED},
    Code{"service_unavailable", chat::v1::PROVIDER_OVERLOADED},
    Code{"timeout_error", chat::v1::PROVIDER_TIMEOUT},
    Code{"timeout", chat::v1::PROVIDER_TIMEOUT},
    Code{"conflict_error", chat::v1::PROVIDER_INTERNAL},
    Code{"invalid_api_key", chat::v1::PROVIDER_AUTH},
    Code{"authentication_error", chat::v1::PROVIDER_AUTH},
    Code{"permission_error", chat::v1::PROVIDER_AUTH},
    Code{"model_not_found", chat::v1::PROVIDER_AUTH},
    Code{"not_found_error", chat::v1::PROVIDER_AUTH},
};

// Servers that have no code for it.
constexpr std::array<absl::string_view, 4> kContextWindowPhrases = {
    "maximum context length", "prompt is too long", "exceeds the available context size",
    "context window"};

// Anthropic says 400 invalid_request_error of an account whose own limit or credit is used up.
constexpr std::array<absl::string_view, 2> kQuotaPhrases = {
    "reached your specified api usage limits", "credit balance is too low"};

std::optional<ErrorKind> KindOfCode(absl::string_view name) {
  const auto found = std::find_if(kCodes.begin(), kCodes.end(),
                                  [&](const Code& code) { return code.name == name; });
  return found == kCodes.end() ? std::nullopt : std::optional(found->kind);
}

template <size_t kCount>
bool Says(absl::string_view message, const std::array<absl::string_view, kCount>& phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [said = absl::AsciiStrToLower(message)](absl::string_view phrase) {
                       return absl::StrContains(said, phrase);
                     });
}

ErrorKind KindOfBadRequest(absl::string_view message) {
  if (Says(message, kContextWindowPhrases)) return chat::v1::CONTEXT_WINDOW;
  return Says(message, kQuotaPhrases) ? chat::v1::PROVIDER_QUOTA : chat::v1::INVALID_REQUEST;
}

ErrorKind KindOfStatus(int status, const ProviderError& error) {
  switch (status) {
    case 400:
    case 422:
      return KindOfBadRequest(error.message);
    case 401:
    case 403:
    case 404:
      return chat::v1::PROVIDER_AUTH;
    case 402:
      return chat::v1::PROVIDER_QUOTA;
    case 408:
      return chat::v1::PROVIDER_TIMEOUT;
    case 409:
    case 424:
      return chat::v1::PROVIDER_INTERNAL;
    case 413:
      return chat::v1::CONTEXT_WINDOW;
    case 429:
      return chat::v1::PROVIDER_RATE_LIMITED;
    case 503:
    case 529:
      return chat::v1::PROVIDER_OVERLOADED;
    default:
      break;
  }
  if (status >= 500) return chat::v1::PROVIDER_INTERNAL;
  if (status >= 400) return chat::v1::INVALID_REQUEST;
  // Redirects are not followed: the address in the configuration is wrong.
  return status >= 300 ? chat::v1::MALFORMED_RESPONSE : chat::v1::PROVIDER_INTERNAL;
}

// One line of valid UTF-8, at most kMaxSaid bytes.
std::string Shorten(absl::string_view said) {
  Utf8Repair repair;
  const bool cut = said.size() > kMaxSaid;
  std::string line(repair.Take(said.substr(0, kMaxSaid)));
  absl::StrReplaceAll({{"\r", " "}, {"\n", " "}}, &line);
  absl::StripAsciiWhitespace(&line);
  if (cut) line.append("…");
  return line;
}

void AppendSaid(std::string& message, const ProviderError& error) {
  if (!error.code.empty()) absl::StrAppend(&message, " ", Shorten(error.code));
  if (error.code.empty() && !error.type.empty()) {
    absl::StrAppend(&message, " ", Shorten(error.type));
  }
  if (!error.message.empty()) absl::StrAppend(&message, ": ", Shorten(error.message));
}

ErrorKind KindOfOutcome(http::HttpOutcome::Kind kind) {
  using Kind = http::HttpOutcome::Kind;
  switch (kind) {
    case Kind::kTimeoutConnect:
    case Kind::kTimeoutFirstByte:
    case Kind::kTimeoutIdle:
      return chat::v1::PROVIDER_TIMEOUT;
    case Kind::kTimeoutTotal:
      return chat::v1::DEADLINE;
    case Kind::kProtocol:
    case Kind::kTooLarge:
      return chat::v1::MALFORMED_RESPONSE;
    case Kind::kOk:
      return chat::v1::STREAM_TRUNCATED;
    case Kind::kConnectFailed:
    case Kind::kTls:
    case Kind::kReset:
    case Kind::kCancelled:
      return chat::v1::PROVIDER_UNREACHABLE;
  }
  return chat::v1::PROVIDER_UNREACHABLE;
}

}  // namespace

std::optional<ProviderError> ReadError(const boost::json::value& document) {
  const boost::json::value* error = Member(&document, "error");
  if (error == nullptr || error->is_null()) return std::nullopt;
  ProviderError result;
  if (const auto* text = error->if_string()) {
    result.message.assign(text->data(), text->size());
    return result;
  }
  result.message = std::string(StringMember(error, "message"));
  result.type = std::string(StringMember(error, "type"));
  result.code = std::string(StringMember(error, "code"));
  // Anthropic's spend limits.
  if (const auto* details = Member(error, "details"); result.code.empty() && details != nullptr) {
    result.code = std::string(StringMember(details, "error_code"));
  }
  int64_t status = CountMember(error, "code").value_or(0);
  if (status == 0 && !absl::SimpleAtoi(result.code, &status)) status = 0;
  if (status >= 400 && status < 600) result.status = static_cast<int>(status);
  return result;
}

ProviderError ReadErrorBody(absl::string_view body) {
  ProviderError result;
  WithJson(body, [&](const boost::json::value& document) {
    if (auto error = ReadError(document)) {
      result = *std::move(error);
      return;
    }
    // vLLM puts the members at the top; others have only a text.
    result.message = std::string(StringMember(&document, "message"));
    result.type = std::string(StringMember(&document, "type"));
    if (result.message.empty()) result.message = std::string(StringMember(&document, "detail"));
  });
  return result;
}

ErrorKind Classify(int http_status, const ProviderError& error) {
  if (auto kind = KindOfCode(error.code)) return *kind;
  if (auto kind = KindOfCode(error.type)) return *kind;
  const int status = http_status < 300 && error.status != 0 ? error.status : http_status;
  if (status < 300 && error.type == "invalid_request_error") return KindOfStatus(400, error);
  return KindOfStatus(status, error);
}

Failure FailureOfStatus(absl::string_view provider, int http_status,
                        const http::HttpHeaders& headers, absl::string_view body, absl::Time now) {
  const ProviderError error = ReadErrorBody(body);
  Failure failure;
  failure.set_kind(Classify(http_status, error));
  failure.set_http_status(http_status);
  failure.set_provider_request_id(RequestIdOf(headers));
  std::string message = absl::StrCat(provider, ": HTTP ", http_status);
  if (http_status >= 300 && http_status < 400) {
    message.append(" redirect, which is not followed: base_url is not the address of the API");
  } else if (failure.kind() == chat::v1::PROVIDER_AUTH) {
    absl::StrAppend(
        &message, " ",
        http_status == 404 ? "model or address not found" : "our credential was refused");
  } else {
    AppendSaid(message, error);
  }
  if (!failure.provider_request_id().empty()) {
    absl::StrAppend(&message, " (request ", failure.provider_request_id(), ")");
  }
  failure.set_message(std::move(message));
  if (const auto wait = RetryAfter(headers, now); wait && http_status >= 400) {
    *failure.mutable_retry_after() = ToProto(*wait);
  }
  if (auto limits = RateLimitsOf(headers, now)) *failure.mutable_limits() = *std::move(limits);
  return failure;
}

Failure FailureInStream(absl::string_view provider, const ProviderError& error) {
  Failure failure;
  failure.set_kind(Classify(200, error));
  failure.set_http_status(200);
  std::string message = absl::StrCat(provider, ": error in the answer");
  if (failure.kind() != chat::v1::PROVIDER_AUTH) AppendSaid(message, error);
  failure.set_message(std::move(message));
  return failure;
}

Failure FailureOfOutcome(absl::string_view provider, const http::HttpOutcome& outcome) {
  using Kind = http::HttpOutcome::Kind;
  std::string what =
      outcome.kind == Kind::kOk ? "the stream ended without its end" : Shorten(outcome.message);
  if (outcome.kind == Kind::kTooLarge) what.append(", which is the provider's max_answer_bytes");
  Failure failure = FailureOf(provider, KindOfOutcome(outcome.kind), what);
  failure.set_not_sent(outcome.not_sent);
  return failure;
}

Failure FailureOf(absl::string_view provider, ErrorKind kind, absl::string_view what) {
  Failure failure;
  failure.set_kind(kind);
  failure.set_message(absl::StrCat(provider, ": ", what));
  return failure;
}

std::string RequestIdOf(const http::HttpHeaders& headers) {
  for (const absl::string_view name : {"x-request-id", "request-id", "apim-request-id"}) {
    if (const auto id = headers.Find(name)) {
      Utf8Repair repair;
      return std::string(repair.Take(id->substr(0, 128)));
    }
  }
  return "";
}

}  // namespace penstock::provider_adapter
