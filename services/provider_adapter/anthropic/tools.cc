#include "services/provider_adapter/anthropic/tools.h"

#include <set>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::ToolChoice;

void AppendTool(std::string& json, const chat::v1::Tool& tool) {
  absl::StrAppend(&json, json.empty() ? "" : ",", R"({"name":)");
  AppendJsonString(json, tool.name());
  if (!tool.description().empty()) {
    json.append(R"(,"description":)");
    AppendJsonString(json, tool.description());
  }
  absl::StrAppend(&json, R"(,"input_schema":)",
                  tool.parameters().empty() ? R"({"type":"object"})" : tool.parameters());
  if (tool.strict()) json.append(R"(,"strict":true)");
  json.push_back('}');
}

std::string ChoiceOf(const ToolChoice& choice) {
  if (!choice.tool().empty()) {
    std::string json = R"({"type":"tool","name":)";
    AppendJsonString(json, choice.tool());
    return absl::StrCat(json, "}");
  }
  switch (choice.mode()) {
    case ToolChoice::AUTO:
      return R"({"type":"auto"})";
    case ToolChoice::NONE:
      return R"({"type":"none"})";
    case ToolChoice::REQUIRED:
      return R"({"type":"any"})";
    default:
      return "";
  }
}

// Names of the tools that were called before, each once.
std::set<std::string> CalledBefore(const provider::v1::GenerateRequest& request) {
  std::set<std::string> names;
  for (const auto& message : request.messages()) {
    for (const auto& part : message.parts()) {
      if (part.has_tool_call()) names.insert(part.tool_call().name());
    }
  }
  return names;
}

}  // namespace

ToolsJson ToolsOf(const provider::v1::GenerateRequest& request) {
  ToolsJson json;
  for (const chat::v1::Tool& tool : request.tools()) AppendTool(json.tools, tool);
  if (!json.tools.empty()) {
    json.choice = ChoiceOf(request.generation().tool_choice());
    return json;
  }
  chat::v1::Tool called;
  for (const std::string& name : CalledBefore(request)) {
    called.set_name(name);
    AppendTool(json.tools, called);
  }
  if (!json.tools.empty()) json.choice = R"({"type":"none"})";
  return json;
}

}  // namespace penstock::provider_adapter
