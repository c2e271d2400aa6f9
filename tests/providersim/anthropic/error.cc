#include "tests/providersim/anthropic/error.h"

#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

absl::string_view MessageOf(int status) {
  switch (status) {
    case 401:
      return "invalid x-api-key";
    case 402:
      return "Your credit balance is too low to access the Anthropic API.";
    case 403:
      return "Request not allowed";
    case 413:
      return "Request exceeds the maximum size";
    case 429:
      return "This request would exceed your organization's rate limit. Please try again later.";
    case 500:
      return "Internal server error";
    case 504:
      return "Request timed out";
    case 529:
      return "Overloaded";
    default:
      return "";
  }
}

}  // namespace

ApiError Invalid(absl::string_view path, absl::string_view what) {
  return {.message = path.empty() ? std::string(what) : absl::StrCat(path, ": ", what)};
}

absl::string_view TypeOf(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 409:
      return "conflict_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

std::string RenderError(const ApiError& error, absl::string_view request_id) {
  std::string body = absl::StrCat(R"({"type":"error","error":{"type":)", JsonString(error.type),
                                  R"(,"message":)", JsonString(error.message));
  if (!error.code.empty()) {
    absl::StrAppend(&body, R"(,"details":{"error_code":)", JsonString(error.code), "}");
  }
  return absl::StrCat(body, R"(},"request_id":)", JsonString(request_id), "}");
}

ApiError ErrorOfStatus(int status, absl::string_view code) {
  const absl::string_view usual = MessageOf(status);
  ApiError error{.status = status,
                 .message = usual.empty() ? absl::StrCat("Simulated answer ", status, ".")
                                          : std::string(usual),
                 .type = std::string(TypeOf(status))};
  if (code == "context_length_exceeded") {
    error.message = "prompt is too long: 200001 tokens > 200000 maximum";
  } else {
    error.code = std::string(code);
  }
  return error;
}

}  // namespace penstock::providersim::anthropic
