#include "tests/providersim/openai/error.h"

#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::openai {
namespace {

std::string StringOrNull(absl::string_view value) {
  return value.empty() ? "null" : JsonString(value);
}

}  // namespace

ApiError Refuse(absl::string_view message, absl::string_view param, absl::string_view code) {
  return ApiError{
      .message = std::string(message), .param = std::string(param), .code = std::string(code)};
}

ApiError WrongType(absl::string_view param, absl::string_view expected) {
  return Refuse(absl::StrCat("Invalid type for '", param, "': expected ", expected, "."), param,
                "invalid_type");
}

std::string RenderError(const ApiError& error) {
  return absl::StrCat("{\n  \"error\": {\n    \"message\": ", JsonString(error.message),
                      ",\n    \"type\": ", JsonString(error.type),
                      ",\n    \"param\": ", StringOrNull(error.param),
                      ",\n    \"code\": ", StringOrNull(error.code), "\n  }\n}\n");
}

std::string RenderErrorLine(const ApiError& error) {
  return absl::StrCat(R"({"error":{"message":)", JsonString(error.message), R"(,"type":)",
                      JsonString(error.type), R"(,"param":)", StringOrNull(error.param),
                      R"(,"code":)", StringOrNull(error.code), "}}");
}

ApiError ErrorOfStatus(int status, absl::string_view code) {
  ApiError error{.status = status, .message = absl::StrCat("Simulated answer ", status, ".")};
  if (status == 401) {
    error.code = "invalid_api_key";
  } else if (status == 403) {
    error.code = "unsupported_country_region_territory";
  } else if (status == 429) {
    error.message = "Rate limit reached for requests. Please try again later.";
    error.type = "requests";
    error.code = "rate_limit_exceeded";
  } else if (status >= 500) {
    error.message = "The server had an error while processing your request. Sorry about that!";
    error.type = "server_error";
  }
  if (!code.empty()) error.code = std::string(code);
  if (code == "insufficient_quota") {
    error.type = "insufficient_quota";
    error.message = "You exceeded your current quota, please check your plan and billing details.";
  }
  return error;
}

}  // namespace penstock::providersim::openai
