#include "services/provider_adapter/anthropic/messages.h"

#include <algorithm>
#include <utility>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/anthropic/answer.h"
#include "services/provider_adapter/anthropic/conversation.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/request_parts.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::GenerationConfig;

absl::Status AppendSampling(std::string& json, const GenerationConfig& generation) {
  if (generation.has_temperature()) {
    PENSTOCK_RETURN_IF_ERROR(
        AppendParameter(json, "temperature", std::min(generation.temperature(), 1.0)));
  }
  if (generation.has_top_p()) {
    PENSTOCK_RETURN_IF_ERROR(AppendParameter(json, "top_p", generation.top_p()));
  }
  return absl::OkStatus();
}

absl::Status AppendStops(std::string& json, const GenerationConfig& generation) {
  if (generation.stop_size() == 0) return absl::OkStatus();
  json.append(R"(,"stop_sequences":)");
  for (int i = 0; i < generation.stop_size(); ++i) {
    const std::string& stop = generation.stop(i);
    if (absl::StripAsciiWhitespace(stop).empty()) {
      return FieldInvalid(absl::StrCat("generation.stop[", i, "]"), "blanks alone",
                          "with Anthropic, a sequence that is not blank");
    }
    json.push_back(i == 0 ? '[' : ',');
    AppendJsonString(json, stop);
  }
  json.push_back(']');
  return absl::OkStatus();
}

absl::Status AppendFormat(std::string& json, const chat::v1::ResponseFormat& format) {
  if (format.has_json_object()) {
    return FieldInvalid("generation.response_format", "json_object",
                        "with Anthropic, json_schema or plain text");
  }
  if (!format.has_json_schema()) return absl::OkStatus();
  // It is copied into the request, so it must be one whole value.
  if (!IsJsonObject(format.json_schema().schema())) {
    return FieldInvalid("generation.response_format.json_schema.schema", "no JSON object",
                        "a JSON Schema");
  }
  absl::StrAppend(&json, R"(,"output_config":{"format":{"type":"json_schema","schema":)",
                  format.json_schema().schema(), "}}");
  return absl::OkStatus();
}

}  // namespace

std::string AnthropicMessages::Url(absl::string_view base_url) const {
  return absl::StrCat(absl::StripSuffix(base_url, "/"), "/messages");
}

std::vector<std::string> AnthropicMessages::Headers(absl::string_view api_key) const {
  std::vector<std::string> headers = {"Content-Type: application/json", "Accept: text/event-stream",
                                      "anthropic-version: 2023-06-01"};
  if (!api_key.empty()) {
    headers.push_back(
        absl::StrCat(quirks_.bearer_key ? "Authorization: Bearer " : "x-api-key: ", api_key));
  }
  return headers;
}

absl::StatusOr<std::string> AnthropicMessages::Body(
    absl::string_view wire_model, const ModelTerms& terms,
    const provider::v1::GenerateRequest& request) const {
  PENSTOCK_ASSIGN_OR_RETURN(BegunBody body, BeginBody(wire_model, terms, request));
  auto& [json, generation] = body;
  if (!generation.has_max_output_tokens()) {
    return FieldInvalid("generation.max_output_tokens", "none", "with Anthropic, at least 1");
  }
  absl::StrAppend(&json, R"(,"max_tokens":)", generation.max_output_tokens());
  PENSTOCK_RETURN_IF_ERROR(AppendConversation(json, request, terms.prompt_cache));
  PENSTOCK_RETURN_IF_ERROR(AppendSampling(json, generation));
  PENSTOCK_RETURN_IF_ERROR(AppendStops(json, generation));
  PENSTOCK_RETURN_IF_ERROR(AppendFormat(json, generation.response_format()));
  return std::move(json.append(R"(,"stream":true})"));
}

std::unique_ptr<AnswerParser> AnthropicMessages::NewParser() const {
  return std::make_unique<AnthropicAnswer>();
}

}  // namespace penstock::provider_adapter
