#include "tests/providersim/openai/format.h"

#include "tests/providersim/json_text.h"
#include "tests/providersim/openai/answer_writer.h"
#include "tests/providersim/openai/error.h"
#include "tests/providersim/openai/limits.h"
#include "tests/providersim/openai/request.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::providersim::openai {
namespace {

class OpenAiFormat final : public WireFormat {
 public:
  absl::string_view name() const override { return "openai"; }

  absl::string_view KeyOf(const AccessHeaders& headers) const override {
    absl::string_view given = headers.authorization;
    return absl::ConsumePrefix(&given, "Bearer ") ? given : "";
  }

  Refused CheckAccess(const AccessHeaders& headers, absl::string_view key) const override {
    const absl::string_view given = KeyOf(headers);
    if (given == key || key.empty()) return std::nullopt;
    if (given.empty()) {
      return ApiError{.status = 401,
                      .message =
                          "You didn't provide an API key. You need to provide your API key in an "
                          "Authorization header using Bearer auth (i.e. Authorization: Bearer "
                          "YOUR_KEY)."};
    }
    return ApiError{
        .status = 401, .message = "Incorrect API key provided.", .code = "invalid_api_key"};
  }

  Refused Read(absl::string_view body, boost::json::value& document,
               Prompt& prompt) const override {
    return ReadRequest(body, document, prompt);
  }

  std::unique_ptr<AnswerWriter> NewWriter(const Reply& reply, absl::string_view id,
                                          int64_t created) const override {
    return std::make_unique<ChunkWriter>(reply, absl::StrCat("chatcmpl-", id), created);
  }

  bool refuses_in_words() const override { return true; }

  std::string CallId(uint64_t prompt_hash, bool, int call) const override {
    return absl::StrCat("call_", absl::Hex(prompt_hash, absl::kZeroPad16), call);
  }

  ApiError ErrorOfStatus(int status, absl::string_view code) const override {
    return openai::ErrorOfStatus(status, code);
  }

  ApiError UnknownModel(absl::string_view model) const override {
    return {.status = 404,
            .message = absl::StrCat("The model `", model,
                                    "` does not exist or you do not have access to it."),
            .code = "model_not_found"};
  }

  ApiError LimitError(const LimitExceeded& exceeded, absl::string_view model) const override {
    return openai::LimitError(exceeded, model);
  }

  std::string ErrorBody(const ApiError& error, absl::string_view) const override {
    return RenderError(error);
  }

  std::string ModelBody(absl::string_view model) const override {
    return absl::StrCat(
        "{\"id\":", JsonString(model),
        ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"providersim\"}");
  }

  std::string ModelListBody(const std::vector<std::string>& models) const override {
    std::string list;
    for (const std::string& model : models) {
      absl::StrAppend(&list, list.empty() ? "" : ",", ModelBody(model));
    }
    return absl::StrCat("{\"object\":\"list\",\"data\":[", list, "]}\n");
  }

  std::string Headers(absl::string_view request_id,
                      std::chrono::milliseconds processing) const override {
    return absl::StrCat("x-request-id: ", request_id,
                        "\r\nopenai-processing-ms: ", processing.count(),
                        "\r\nopenai-version: 2020-10-01\r\nopenai-organization: providersim\r\n");
  }

  std::string RetryAfter(std::chrono::milliseconds wait) const override {
    const int64_t millis = wait.count();
    return absl::StrCat("retry-after-ms: ", millis, "\r\nretry-after: ", (millis + 999) / 1000,
                        "\r\n");
  }

  std::string LimitHeaders(const std::vector<LimitState>& states, absl::Time) const override {
    return openai::LimitHeaders(states);
  }

  std::string IdleLimitHeaders(int64_t prompt_tokens, absl::Time) const override {
    return openai::IdleLimitHeaders(prompt_tokens);
  }
};

}  // namespace

const WireFormat& Format() {
  static const auto& format = *new OpenAiFormat();
  return format;
}

}  // namespace penstock::providersim::openai
