#include "services/provider_adapter/openai/tools.h"

#include "services/provider_adapter/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::ToolChoice;

void AppendTool(std::string& json, const chat::v1::Tool& tool) {
  json.append(R"({"type":"function","function":{"name":)");
  AppendJsonString(json, tool.name());
  if (!tool.description().empty()) {
    json.append(R"(,"description":)");
    AppendJsonString(json, tool.description());
  }
  if (!tool.parameters().empty()) absl::StrAppend(&json, R"(,"parameters":)", tool.parameters());
  if (tool.strict()) json.append(R"(,"strict":true)");
  json.append("}}");
}

void AppendChoice(std::string& json, const Quirks& quirks, const ToolChoice& choice) {
  const bool forced = !choice.tool().empty() || choice.mode() == ToolChoice::REQUIRED;
  if (forced ? quirks.no_forced_tool_choice : choice.mode() == ToolChoice::AUTO) {
    json.append(R"(,"tool_choice":"auto")");
  } else if (!choice.tool().empty()) {
    json.append(R"(,"tool_choice":{"type":"function","function":{"name":)");
    AppendJsonString(json, choice.tool());
    json.append("}}");
  } else if (choice.mode() == ToolChoice::NONE) {
    json.append(R"(,"tool_choice":"none")");
  } else if (choice.mode() == ToolChoice::REQUIRED) {
    json.append(R"(,"tool_choice":"required")");
  }
}

}  // namespace

void AppendTools(std::string& json, const Quirks& quirks,
                 const provider::v1::GenerateRequest& request) {
  const ToolChoice& choice = request.generation().tool_choice();
  const bool none = choice.tool().empty() && choice.mode() == ToolChoice::NONE;
  // The only way to say that none may be called.
  if (quirks.no_tool_choice && none) return;
  if (request.tools().empty()) return;
  json.append(R"(,"tools":)");
  for (int i = 0; i < request.tools_size(); ++i) {
    json.push_back(i == 0 ? '[' : ',');
    AppendTool(json, request.tools(i));
  }
  json.push_back(']');
  if (!quirks.no_tool_choice) AppendChoice(json, quirks, choice);
  if (quirks.no_parallel_tool_calls) json.append(R"(,"parallel_tool_calls":false)");
}

}  // namespace penstock::provider_adapter
