#include "services/provider_adapter/openai/tools.h"

#include <algorithm>
#include <utility>

#include <boost/json/value.hpp>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/utf8_repair.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::ToolChoice;
using provider::v1::GenerateRequest;

bool IsJsonObject(absl::string_view text) {
  bool object = false;
  return WithJson(text, [&](const auto& value) { object = value.is_object(); }) && object;
}

absl::Status AppendTool(std::string& json, const chat::v1::Tool& tool, int index) {
  json.append(R"({"type":"function","function":{"name":)");
  AppendJsonString(json, tool.name());
  if (!tool.description().empty()) {
    json.append(R"(,"description":)");
    AppendJsonString(json, tool.description());
  }
  if (!tool.parameters().empty()) {
    // It is copied into the request, so it must be one whole value.
    if (!IsJsonObject(tool.parameters())) {
      return FieldInvalid(absl::StrCat("tools[", index, "].parameters"), "no JSON object",
                          "a JSON Schema of an object");
    }
    absl::StrAppend(&json, R"(,"parameters":)", tool.parameters());
  }
  if (tool.strict()) json.append(R"(,"strict":true)");
  json.append("}}");
  return absl::OkStatus();
}

absl::Status AppendChoice(std::string& json, const GenerateRequest& request) {
  const ToolChoice& choice = request.generation().tool_choice();
  if (!choice.tool().empty()) {
    const auto& tools = request.tools();
    if (std::none_of(tools.begin(), tools.end(),
                     [&](const auto& tool) { return tool.name() == choice.tool(); })) {
      return FieldInvalid("generation.tool_choice.tool", choice.tool(), "the name of one of tools");
    }
    json.append(R"(,"tool_choice":{"type":"function","function":{"name":)");
    AppendJsonString(json, choice.tool());
    json.append("}}");
    return absl::OkStatus();
  }
  switch (choice.mode()) {
    case ToolChoice::AUTO:
      json.append(R"(,"tool_choice":"auto")");
      break;
    case ToolChoice::NONE:
      json.append(R"(,"tool_choice":"none")");
      break;
    case ToolChoice::REQUIRED:
      json.append(R"(,"tool_choice":"required")");
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

// What the caller or another server gave as UTF-8, whole characters.
void AppendRepaired(std::string& json, absl::string_view text) {
  Utf8Repair repair;
  std::string whole(repair.Take(text));
  absl::StrAppend(&whole, repair.End());
  AppendJsonString(json, whole);
}

// Some servers refuse a history with arguments that are no JSON, so what a model wrote instead goes
// back to it as {"invalid_json": "..."}: it sees its own mistake beside the tool's complaint.
void AppendArguments(std::string& json, absl::string_view arguments) {
  if (arguments.empty()) arguments = "{}";
  if (WithJson(arguments, [](const auto&) {})) return AppendRepaired(json, arguments);
  std::string wrapped = R"({"invalid_json":)";
  AppendRepaired(wrapped, arguments);
  wrapped.push_back('}');
  AppendJsonString(json, wrapped);
}

}  // namespace

absl::Status AppendTools(std::string& json, const GenerateRequest& request) {
  if (request.tools().empty()) return absl::OkStatus();
  json.append(R"(,"tools":)");
  for (int i = 0; i < request.tools_size(); ++i) {
    json.push_back(i == 0 ? '[' : ',');
    PENSTOCK_RETURN_IF_ERROR(AppendTool(json, request.tools(i), i));
  }
  json.push_back(']');
  return AppendChoice(json, request);
}

void AppendToolCalls(std::string& json, const chat::v1::Message& message) {
  absl::string_view separator = R"(,"tool_calls":[)";
  for (const auto& part : message.parts()) {
    if (!part.has_tool_call()) continue;
    absl::StrAppend(&json, std::exchange(separator, ","), R"({"id":)");
    AppendJsonString(json, part.tool_call().id());
    json.append(R"(,"type":"function","function":{"name":)");
    AppendJsonString(json, part.tool_call().name());
    json.append(R"(,"arguments":)");
    AppendArguments(json, part.tool_call().arguments());
    json.append("}}");
  }
  if (separator == ",") json.push_back(']');
}

void AppendToolResult(std::string& json, const chat::v1::ToolResult& result) {
  json.append(R"({"role":"tool","tool_call_id":)");
  AppendJsonString(json, result.tool_call_id());
  json.append(R"(,"content":)");
  // The wire has no field for it.
  AppendRepaired(json,
                 result.is_error() ? absl::StrCat("Error: ", result.content()) : result.content());
  json.push_back('}');
}

}  // namespace penstock::provider_adapter
