#include "services/provider_adapter/openai/chat.h"

#include <utility>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/openai/answer.h"
#include "services/provider_adapter/openai/messages.h"
#include "services/provider_adapter/openai/tools.h"
#include "services/provider_adapter/request_parts.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::GenerationConfig;

absl::Status AppendResponseFormat(std::string& json, const chat::v1::ResponseFormat& format) {
  if (format.has_json_object()) json.append(R"(,"response_format":{"type":"json_object"})");
  if (!format.has_json_schema()) return absl::OkStatus();
  const auto& schema = format.json_schema();
  // It is copied into the request, so it must be one whole value.
  if (!WithJson(schema.schema(), [](const auto&) {})) {
    return FieldInvalid("generation.response_format.json_schema.schema", "no JSON",
                        "one JSON value");
  }
  json.append(R"(,"response_format":{"type":"json_schema","json_schema":{"name":)");
  AppendJsonString(json, schema.name());
  absl::StrAppend(&json, R"(,"strict":)", schema.strict() ? "true" : "false", R"(,"schema":)",
                  schema.schema(), "}}");
  return absl::OkStatus();
}

absl::Status AppendSampling(std::string& json, const GenerationConfig& generation) {
  if (generation.has_seed()) absl::StrAppend(&json, R"(,"seed":)", generation.seed());
  if (generation.has_temperature()) {
    PENSTOCK_RETURN_IF_ERROR(AppendParameter(json, "temperature", generation.temperature()));
  }
  if (generation.has_top_p()) {
    PENSTOCK_RETURN_IF_ERROR(AppendParameter(json, "top_p", generation.top_p()));
  }
  if (generation.has_presence_penalty()) {
    PENSTOCK_RETURN_IF_ERROR(
        AppendParameter(json, "presence_penalty", generation.presence_penalty()));
  }
  if (generation.has_frequency_penalty()) {
    PENSTOCK_RETURN_IF_ERROR(
        AppendParameter(json, "frequency_penalty", generation.frequency_penalty()));
  }
  return absl::OkStatus();
}

absl::Status AppendGeneration(std::string& json, const Quirks& quirks,
                              const GenerationConfig& generation) {
  if (generation.has_max_output_tokens()) {
    absl::StrAppend(&json, quirks.max_tokens ? R"(,"max_tokens":)" : R"(,"max_completion_tokens":)",
                    generation.max_output_tokens());
  }
  PENSTOCK_RETURN_IF_ERROR(AppendSampling(json, generation));
  if (generation.stop_size() > 0) {
    json.append(R"(,"stop":)");
    char separator = '[';
    for (const std::string& stop : generation.stop()) {
      json.push_back(std::exchange(separator, ','));
      AppendJsonString(json, stop);
    }
    json.push_back(']');
  }
  return AppendResponseFormat(json, generation.response_format());
}

absl::string_view StreamMembers(const Quirks& quirks) {
  if (quirks.no_stream_options) return R"(,"stream":true})";
  if (quirks.no_obfuscation_option) {
    return R"(,"stream":true,"stream_options":{"include_usage":true}})";
  }
  return R"(,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}})";
}

}  // namespace

std::string OpenAiChat::Url(absl::string_view base_url) const {
  return absl::StrCat(absl::StripSuffix(base_url, "/"), "/chat/completions");
}

std::vector<std::string> OpenAiChat::Headers(absl::string_view api_key) const {
  std::vector<std::string> headers = {"Content-Type: application/json",
                                      "Accept: text/event-stream"};
  if (!api_key.empty()) {
    headers.push_back(
        absl::StrCat(quirks_.api_key_header ? "api-key: " : "Authorization: Bearer ", api_key));
  }
  return headers;
}

absl::StatusOr<std::string> OpenAiChat::Body(absl::string_view wire_model, const ModelTerms& terms,
                                             const provider::v1::GenerateRequest& request) const {
  PENSTOCK_ASSIGN_OR_RETURN(BegunBody body, BeginBody(wire_model, terms, request));
  auto& [json, generation] = body;
  PENSTOCK_RETURN_IF_ERROR(AppendMessages(json, quirks_, request));
  AppendTools(json, quirks_, request);
  PENSTOCK_RETURN_IF_ERROR(AppendGeneration(json, quirks_, generation));
  const absl::string_view end = StreamMembers(quirks_);
  return std::move(json.append(end.data(), end.size()));
}

std::unique_ptr<AnswerParser> OpenAiChat::NewParser() const {
  return std::make_unique<OpenAiAnswer>();
}

}  // namespace penstock::provider_adapter
