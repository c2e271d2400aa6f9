// What a request may say of the caller's tools.
#include "libs/base/ids.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "libs/host/tool_shape.h"
#include "services/gateway/field_checks.h"
#include "services/gateway/input_guard.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

constexpr uint64_t kMaxToolCallIdBytes = 256;

}  // namespace

absl::Status InputGuard::Check(const v1::SubmitToolResultsRequest& request) const {
  PENSTOCK_RETURN_IF_ERROR(ParseTurnName(request.name(), "name").status());
  PENSTOCK_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.results().empty()) {
    return FieldInvalid("results", "no results", "one for each call of pending_tool_calls");
  }
  for (int i = 0; i < request.results_size(); ++i) {
    const chat::v1::ToolResult& result = request.results(i);
    const std::string field = absl::StrCat("results[", i, "]");
    if (result.tool_call_id().empty() || result.tool_call_id().size() > kMaxToolCallIdBytes) {
      return FieldInvalid(absl::StrCat(field, ".tool_call_id"),
                          absl::StrCat(result.tool_call_id().size(), " bytes"),
                          "the id of a call of pending_tool_calls");
    }
    PENSTOCK_RETURN_IF_ERROR(
        CheckSize(absl::StrCat(field, ".content"), result.content().size(),
                  static_cast<uint64_t>(config_.turn().max_tool_result_bytes())));
    if (!IsUtf8(result.content())) {
      return FieldInvalid(absl::StrCat(field, ".content"), "bytes that are no UTF-8",
                          "text or JSON in UTF-8");
    }
  }
  return absl::OkStatus();
}

absl::Status InputGuard::CheckTools(const chat::v1::Overrides& overrides) const {
  const int max_tools = config_.turn().max_tools();
  if (overrides.tools_size() > max_tools) {
    return TooLarge("turn.overrides.tools", absl::StrCat(overrides.tools_size(), " tools"),
                    absl::StrCat("at most ", max_tools));
  }
  absl::flat_hash_set<std::string> names;
  uint64_t bytes = 0;
  for (int i = 0; i < overrides.tools_size(); ++i) {
    const chat::v1::Tool& tool = overrides.tools(i);
    const std::string field = absl::StrCat("turn.overrides.tools[", i, "]");
    if (!host::IsToolName(tool.name())) {
      return FieldInvalid(absl::StrCat(field, ".name"), Quoted(tool.name()),
                          "1 to 64 of [A-Za-z0-9_-]");
    }
    if (!names.insert(tool.name()).second) {
      return FieldInvalid(absl::StrCat(field, ".name"), Quoted(tool.name()),
                          "a name that no other tool has");
    }
    bytes += tool.parameters().size() + tool.description().size();
    if (!tool.parameters().empty() && !host::IsJsonObject(tool.parameters())) {
      return FieldInvalid(absl::StrCat(field, ".parameters"),
                          absl::StrCat(tool.parameters().size(), " bytes that are no JSON object"),
                          "a JSON Schema of an object, or nothing");
    }
  }
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("turn.overrides.tools", bytes,
                static_cast<uint64_t>(config_.turn().max_tool_schema_bytes())));
  const chat::v1::ToolChoice& choice = overrides.generation().tool_choice();
  if (!chat::v1::ToolChoice::Mode_IsValid(choice.mode())) {
    return FieldInvalid("turn.overrides.generation.tool_choice.mode", absl::StrCat(choice.mode()),
                        "the values of ToolChoice.Mode");
  }
  // Without tools in the overrides it is one of the agent's, which the dispatcher knows.
  const bool may_be_known =
      names.empty() ? host::IsToolName(choice.tool()) : names.contains(choice.tool());
  if (choice.tool().empty() || may_be_known) return absl::OkStatus();
  return FieldInvalid("turn.overrides.generation.tool_choice.tool", Quoted(choice.tool()),
                      names.empty() ? "the name of a tool of the agent's"
                                    : "the name of one of turn.overrides.tools");
}

}  // namespace penstock::gateway
