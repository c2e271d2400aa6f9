#include "services/provider_adapter/openai/chat.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/openai/answer.h"
#include "services/provider_adapter/openai/tools.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::GenerationConfig;
using chat::v1::Message;
using chat::v1::Part;

absl::string_view RoleName(chat::v1::Role role) {
  switch (role) {
    case chat::v1::SYSTEM:
      return "system";
    case chat::v1::USER:
      return "user";
    case chat::v1::ASSISTANT:
      return "assistant";
    default:
      return "";
  }
}

// What of a part goes to the provider; null: nothing. A refusal goes back as the text it was:
// compatible servers do not know OpenAI's field for it.
const std::string* TextOf(const Part& part) {
  switch (part.kind_case()) {
    case Part::kText:
      return &part.text().text();
    case Part::kRefusal:
      return &part.refusal().text();
    default:
      return nullptr;
  }
}

std::vector<const std::string*> TextsOf(const Message& message) {
  std::vector<const std::string*> texts;
  for (const Part& part : message.parts()) {
    if (const std::string* text = TextOf(part)) texts.push_back(text);
  }
  return texts;
}

void AppendContent(std::string& json, const std::vector<const std::string*>& texts) {
  if (texts.size() == 1) {
    AppendJsonString(json, *texts.front());
    return;
  }
  char separator = '[';
  for (const std::string* text : texts) {
    json.push_back(std::exchange(separator, ','));
    json.append(R"({"type":"text","text":)");
    AppendJsonString(json, *text);
    json.push_back('}');
  }
  json.push_back(']');
}

bool CallsTools(const Message& message) {
  return std::any_of(message.parts().begin(), message.parts().end(),
                     [](const Part& part) { return part.has_tool_call(); });
}

// Whether the message's role may have parts of these kinds.
absl::Status CheckParts(const Message& message, int index) {
  for (int i = 0; i < message.parts_size(); ++i) {
    const Part& part = message.parts(i);
    const bool fits = part.has_tool_result() == (message.role() == chat::v1::TOOL) &&
                      (!part.has_tool_call() || message.role() == chat::v1::ASSISTANT);
    if (fits) continue;
    return FieldInvalid(absl::StrCat("messages[", index, "].parts[", i, "]"),
                        part.has_tool_call()     ? "a tool call"
                        : part.has_tool_result() ? "a tool result"
                                                 : "text",
                        "tool calls of ASSISTANT, tool results alone of TOOL");
  }
  return absl::OkStatus();
}

// One message a result, in order.
void AppendToolMessage(std::string& json, const Message& message, char& separator) {
  for (const Part& part : message.parts()) {
    json.push_back(std::exchange(separator, ','));
    AppendToolResult(json, part.tool_result());
  }
}

void AppendSpokenMessage(std::string& json, const Message& message, char& separator) {
  const auto texts = TextsOf(message);
  const bool calls = CallsTools(message);
  if (texts.empty() && !calls) return;
  json.push_back(std::exchange(separator, ','));
  absl::StrAppend(&json, R"({"role":")", RoleName(message.role()), R"(","content":)");
  if (texts.empty()) {
    json.append("null");
  } else {
    AppendContent(json, texts);
  }
  AppendToolCalls(json, message);
  json.push_back('}');
}

absl::Status AppendMessages(std::string& json, const provider::v1::GenerateRequest& request) {
  json.append(R"(,"messages":)");
  char separator = '[';
  for (int i = 0; i < request.messages_size(); ++i) {
    const Message& message = request.messages(i);
    PENSTOCK_RETURN_IF_ERROR(CheckParts(message, i));
    if (message.role() == chat::v1::TOOL) {
      AppendToolMessage(json, message, separator);
    } else if (!RoleName(message.role()).empty()) {
      AppendSpokenMessage(json, message, separator);
    } else {
      return FieldInvalid(absl::StrCat("messages[", i, "].role"), absl::StrCat(message.role()),
                          "SYSTEM, USER, ASSISTANT or TOOL");
    }
  }
  if (separator == '[')
    return FieldInvalid("messages", "no text", "at least one message with text");
  json.push_back(']');
  return absl::OkStatus();
}

absl::Status AppendNumber(std::string& json, absl::string_view name, double number) {
  if (!std::isfinite(number)) {
    return FieldInvalid(absl::StrCat("generation.", name), absl::StrCat(number), "a finite number");
  }
  absl::StrAppend(&json, ",\"", name, "\":");
  AppendJsonNumber(json, number);
  return absl::OkStatus();
}

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

absl::Status AppendGeneration(std::string& json, const GenerationConfig& generation) {
  if (generation.has_max_output_tokens()) {
    absl::StrAppend(&json, R"(,"max_completion_tokens":)", generation.max_output_tokens());
  }
  if (generation.has_seed()) absl::StrAppend(&json, R"(,"seed":)", generation.seed());
  if (generation.has_temperature()) {
    PENSTOCK_RETURN_IF_ERROR(AppendNumber(json, "temperature", generation.temperature()));
  }
  if (generation.has_top_p()) {
    PENSTOCK_RETURN_IF_ERROR(AppendNumber(json, "top_p", generation.top_p()));
  }
  if (generation.has_presence_penalty()) {
    PENSTOCK_RETURN_IF_ERROR(AppendNumber(json, "presence_penalty", generation.presence_penalty()));
  }
  if (generation.has_frequency_penalty()) {
    PENSTOCK_RETURN_IF_ERROR(
        AppendNumber(json, "frequency_penalty", generation.frequency_penalty()));
  }
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

}  // namespace

std::string OpenAiChat::Url(absl::string_view base_url) const {
  return absl::StrCat(absl::StripSuffix(base_url, "/"), "/chat/completions");
}

std::vector<std::string> OpenAiChat::Headers(absl::string_view api_key) const {
  std::vector<std::string> headers = {"Content-Type: application/json",
                                      "Accept: text/event-stream"};
  if (!api_key.empty()) headers.push_back(absl::StrCat("Authorization: Bearer ", api_key));
  return headers;
}

absl::StatusOr<std::string> OpenAiChat::Body(absl::string_view wire_model,
                                             const provider::v1::GenerateRequest& request) const {
  std::string json;
  json.reserve(request.ByteSizeLong() * 5 / 4 + 256);
  json.append(R"({"model":)");
  AppendJsonString(json, wire_model);
  PENSTOCK_RETURN_IF_ERROR(AppendMessages(json, request));
  PENSTOCK_RETURN_IF_ERROR(AppendTools(json, request));
  PENSTOCK_RETURN_IF_ERROR(AppendGeneration(json, request.generation()));
  json.append(
      R"(,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}})");
  return json;
}

std::unique_ptr<AnswerParser> OpenAiChat::NewParser() const {
  return std::make_unique<OpenAiAnswer>();
}

}  // namespace penstock::provider_adapter
