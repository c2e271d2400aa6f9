#include "tests/providersim/anthropic/format.h"

#include <algorithm>

#include "tests/providersim/anthropic/answer_writer.h"
#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/anthropic/limits.h"
#include "tests/providersim/anthropic/request.h"
#include "tests/providersim/anthropic/thoughts.h"
#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::providersim::anthropic {
namespace {

constexpr absl::string_view kFirstVersion = "2023-06-01";
constexpr absl::string_view kNewestVersion = "2026-10-21";

ApiError NotAuthenticated(absl::string_view why) {
  return {.status = 401, .message = std::string(why), .type = "authentication_error"};
}

class AnthropicFormat final : public WireFormat {
 public:
  explicit AnthropicFormat(bool newest) : newest_(newest) {}

  absl::string_view name() const override { return "anthropic"; }

  absl::string_view KeyOf(const AccessHeaders& headers) const override {
    absl::string_view bearer = headers.authorization;
    if (!headers.api_key.empty()) return headers.api_key;
    return absl::ConsumePrefix(&bearer, "Bearer ") ? bearer : "";
  }

  Refused CheckAccess(const AccessHeaders& headers, absl::string_view key) const override {
    const absl::string_view version = headers.anthropic_version;
    if (version.empty()) return Invalid("anthropic-version", "header is required");
    if (version != kFirstVersion && version != kNewestVersion) {
      return Invalid("anthropic-version",
                     absl::StrCat("\"", version, "\" is not a valid version. Must be ",
                                  kFirstVersion, " or ", kNewestVersion));
    }
    const absl::string_view given = KeyOf(headers);
    if (given == key || key.empty()) return std::nullopt;
    if (given.empty()) return NotAuthenticated("x-api-key header is required");
    return NotAuthenticated(headers.api_key.empty() ? "Invalid bearer token" : "invalid x-api-key");
  }

  Refused Read(absl::string_view body, boost::json::value& document,
               Prompt& prompt) const override {
    return ReadRequest(body, {.newest = newest_}, document, prompt);
  }

  std::unique_ptr<AnswerWriter> NewWriter(const Reply& reply, absl::string_view id,
                                          int64_t) const override {
    return std::make_unique<MessageWriter>(reply, absl::StrCat("msg_", id));
  }

  bool refuses_in_words() const override { return false; }

  std::string CallId(uint64_t prompt_hash, bool thought, int call) const override {
    return CallIdOf(prompt_hash, thought, call);
  }

  ApiError ErrorOfStatus(int status, absl::string_view code) const override {
    return anthropic::ErrorOfStatus(status, code);
  }

  ApiError UnknownModel(absl::string_view model) const override {
    return {
        .status = 404, .message = absl::StrCat("model: ", model), .type = std::string(TypeOf(404))};
  }

  ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model) const override {
    return anthropic::LimitError(exceeded, model);
  }

  // What was refused in other words than Anthropic's has its type by the status.
  std::string ErrorBody(const ApiError& error, absl::string_view request_id) const override {
    ApiError typed = error;
    typed.type = std::string(TypeOf(error.status));
    return RenderError(typed, request_id);
  }

  std::string ModelBody(absl::string_view model) const override {
    return absl::StrCat(R"({"type":"model","id":)", JsonString(model), R"(,"display_name":)",
                        JsonString(model), R"(,"created_at":"2023-11-14T22:13:20Z"})");
  }

  std::string ModelListBody(const std::vector<std::string>& models) const override {
    std::string list;
    for (const std::string& model : models) {
      absl::StrAppend(&list, list.empty() ? "" : ",", ModelBody(model));
    }
    return absl::StrCat(R"({"data":[)", list, R"(],"has_more":false,"first_id":)",
                        JsonString(models.front()), R"(,"last_id":)", JsonString(models.back()),
                        "}");
  }

  std::string Headers(absl::string_view request_id, std::chrono::milliseconds) const override {
    return absl::StrCat("request-id: ", request_id,
                        "\r\nanthropic-organization-id: providersim\r\n");
  }

  std::string RetryAfter(std::chrono::milliseconds wait) const override {
    return absl::StrCat("retry-after: ", (wait.count() + 999) / 1000, "\r\n");
  }

  std::string LimitHeaders(const std::vector<LimitState>& states, absl::Time now) const override {
    return anthropic::LimitHeaders(states, now);
  }

  std::string IdleLimitHeaders(int64_t prompt_tokens, absl::Time now) const override {
    return anthropic::IdleLimitHeaders(prompt_tokens, now);
  }

 private:
  const bool newest_;
};

}  // namespace

const WireFormat& Format(absl::string_view version) {
  static const auto& first = *new AnthropicFormat(false);
  static const auto& newest = *new AnthropicFormat(true);
  return version == kNewestVersion ? newest : first;
}

Counted CountTokens(const AccessHeaders& headers, absl::string_view body, const Options& options) {
  const WireFormat& format = Format(headers.anthropic_version);
  if (Refused refused = format.CheckAccess(headers, options.api_key)) return {.error = refused};
  boost::json::value document;
  Prompt prompt;
  const Rules rules{.newest = headers.anthropic_version == kNewestVersion, .counts_only = true};
  if (Refused refused = ReadRequest(body, rules, document, prompt)) return {.error = refused};
  const auto& models = options.models;
  if (!models.empty() && std::find(models.begin(), models.end(), prompt.model) == models.end()) {
    return {.error = format.UnknownModel(prompt.model)};
  }
  return {.body = absl::StrCat(R"({"input_tokens":)", prompt.Tokens(), "}")};
}

}  // namespace penstock::providersim::anthropic
