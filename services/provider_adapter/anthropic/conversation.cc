#include "services/provider_adapter/anthropic/conversation.h"

#include <utility>
#include <vector>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/anthropic/tools.h"
#include "services/provider_adapter/anthropic/wire_blocks.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/request_parts.h"
#include "services/provider_adapter/utf8_repair.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Part;
using provider::v1::GenerateRequest;

constexpr absl::string_view kMark = R"(,"cache_control":{"type":"ephemeral"})";

void AppendText(std::string& json, absl::string_view text) {
  json.append(R"({"type":"text","text":)");
  AppendJsonString(json, text);
  json.push_back('}');
}

void AppendImage(std::string& json, const chat::v1::Image& image) {
  if (image.has_url()) {
    json.append(R"({"type":"image","source":{"type":"url","url":)");
    AppendJsonString(json, image.url());
  } else {
    absl::StrAppend(&json, R"({"type":"image","source":{"type":"base64","media_type":")",
                    image.media_type(), R"(","data":")", absl::Base64Escape(image.data()), "\"");
  }
  json.append("}}");
}

void AppendCall(std::string& json, const std::string& id, const chat::v1::ToolCall& call) {
  json.append(R"({"type":"tool_use","id":)");
  AppendJsonString(json, id);
  json.append(R"(,"name":)");
  AppendJsonString(json, call.name());
  absl::StrAppend(&json, R"(,"input":)", ArgumentsObject(call.arguments()), "}");
}

void AppendResult(std::string& json, const std::string& id, bool is_error,
                  absl::string_view content) {
  json.append(R"({"type":"tool_result","tool_use_id":)");
  AppendJsonString(json, id);
  if (!content.empty()) {
    json.append(R"(,"content":)");
    AppendJsonString(json, RepairUtf8(content));
  }
  if (is_error) json.append(R"(,"is_error":true)");
  json.push_back('}');
}

void AppendPart(std::string& json, const Part& part, const std::string& call_id) {
  switch (part.kind_case()) {
    case Part::kText:
      return AppendText(json, part.text().text());
    case Part::kRefusal:
      return AppendText(json, part.refusal().text());
    case Part::kImage:
      return AppendImage(json, part.image());
    case Part::kToolCall:
      return AppendCall(json, call_id, part.tool_call());
    case Part::kToolResult:
      return AppendResult(json, call_id, part.tool_result().is_error(),
                          part.tool_result().content());
    case Part::kReasoning:
      json.append(RepairUtf8(part.reasoning().state().data()));
      return;
    case Part::kOpaque:
      json.append(RepairUtf8(part.opaque().data()));
      return;
    case Part::KIND_NOT_SET:
      return;
  }
}

// The block that ends here.
void Mark(std::string& json) { json.insert(json.size() - 1, kMark.data(), kMark.size()); }

void AppendBlock(std::string& json, const WireBlock& block) {
  if (block.part != nullptr) {
    AppendPart(json, *block.part, block.call_id);
  } else if (!block.call_id.empty()) {
    AppendResult(json, block.call_id, true, kNoResult);
  } else {
    AppendText(json, "(The conversation began earlier.)");
  }
  if (block.cache_mark) Mark(json);
}

// The elements of `system`, without brackets.
std::string InstructionsOf(const GenerateRequest& request) {
  std::string json;
  for (const auto& message : request.messages()) {
    if (message.role() != chat::v1::SYSTEM) continue;
    for (const Part& part : message.parts()) {
      if (absl::StripAsciiWhitespace(part.text().text()).empty()) continue;
      if (!json.empty()) json.push_back(',');
      AppendText(json, part.text().text());
    }
  }
  return json;
}

void AppendMessages(std::string& json, const std::vector<WireBlock>& blocks) {
  json.append(R"(,"messages":[)");
  for (size_t i = 0; i < blocks.size(); ++i) {
    const bool goes_on = i > 0 && blocks[i].assistant == blocks[i - 1].assistant;
    if (goes_on) {
      json.push_back(',');
    } else {
      absl::StrAppend(&json, i == 0 ? "" : "]},", R"({"role":")",
                      blocks[i].assistant ? "assistant" : "user", R"(","content":[)");
    }
    AppendBlock(json, blocks[i]);
  }
  json.append("]}]");
}

}  // namespace

absl::Status AppendConversation(std::string& json, const GenerateRequest& request,
                                bool prompt_cache) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<WireBlock> blocks,
                            WireBlocksOf(request, prompt_cache));
  if (blocks.empty()) return FieldInvalid("messages", "no text", "at least one message with text");
  ToolsJson tools = ToolsOf(request);
  std::string system = InstructionsOf(request);
  if (std::string& last = system.empty() ? tools.tools : system; prompt_cache && !last.empty()) {
    Mark(last);
  }
  if (!tools.tools.empty()) absl::StrAppend(&json, R"(,"tools":[)", tools.tools, "]");
  if (!tools.choice.empty()) absl::StrAppend(&json, R"(,"tool_choice":)", tools.choice);
  if (!system.empty()) absl::StrAppend(&json, R"(,"system":[)", system, "]");
  AppendMessages(json, blocks);
  return absl::OkStatus();
}

}  // namespace penstock::provider_adapter
