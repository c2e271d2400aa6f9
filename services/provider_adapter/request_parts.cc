#include "services/provider_adapter/request_parts.h"

#include <array>
#include <cmath>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/utf8_repair.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using provider::v1::GenerateRequest;

constexpr std::array<absl::string_view, 4> kImageTypes = {"image/png", "image/jpeg", "image/gif",
                                                          "image/webp"};

std::string FieldOf(int message, int part) {
  return absl::StrCat("messages[", message, "].parts[", part, "]");
}

absl::string_view NameOf(const Part& part) {
  switch (part.kind_case()) {
    case Part::kToolCall:
      return "a tool call";
    case Part::kToolResult:
      return "a tool result";
    case Part::kImage:
      return "an image";
    case Part::kOpaque:
      return "an opaque part";
    default:
      return "text";
  }
}

bool Fits(const Part& part, chat::v1::Role role) {
  switch (part.kind_case()) {
    case Part::kToolResult:
      return role == chat::v1::TOOL;
    case Part::kToolCall:
    case Part::kOpaque:
      return role == chat::v1::ASSISTANT;
    case Part::kImage:
      return role == chat::v1::USER;
    default:
      return role != chat::v1::TOOL;
  }
}

absl::Status CheckImage(const chat::v1::Image& image, const std::string& field) {
  if (image.has_url()) {
    if (absl::StartsWith(image.url(), "https://")) return absl::OkStatus();
    return FieldInvalid(absl::StrCat(field, ".image.url"), image.url(),
                        "a URL that begins with https://");
  }
  if (image.data().empty()) {
    return FieldInvalid(absl::StrCat(field, ".image"), "neither", "data or url");
  }
  if (absl::c_linear_search(kImageTypes, image.media_type())) return absl::OkStatus();
  return FieldInvalid(absl::StrCat(field, ".image.media_type"), image.media_type(),
                      "image/png, image/jpeg, image/gif or image/webp");
}

absl::Status CheckMessage(const Message& message, int index) {
  if (message.role() < chat::v1::SYSTEM || message.role() > chat::v1::TOOL) {
    return FieldInvalid(absl::StrCat("messages[", index, "].role"), absl::StrCat(message.role()),
                        "SYSTEM, USER, ASSISTANT or TOOL");
  }
  for (int i = 0; i < message.parts_size(); ++i) {
    const Part& part = message.parts(i);
    if (!Fits(part, message.role())) {
      return FieldInvalid(FieldOf(index, i), NameOf(part),
                          "tool calls and opaque parts of ASSISTANT, images of USER, tool results "
                          "alone of TOOL");
    }
    if (!part.has_image()) continue;
    PENSTOCK_RETURN_IF_ERROR(CheckImage(part.image(), FieldOf(index, i)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMessages(const GenerateRequest& request) {
  for (int i = 0; i < request.messages_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(CheckMessage(request.messages(i), i));
  }
  return absl::OkStatus();
}

absl::Status ResultWithoutCall(const GenerateRequest& request, int message, int part) {
  return FieldInvalid(absl::StrCat(FieldOf(message, part), ".tool_result.tool_call_id"),
                      request.messages(message).parts(part).tool_result().tool_call_id(),
                      "the id of a call in the message before, once");
}

absl::Status CheckTools(const GenerateRequest& request) {
  for (int i = 0; i < request.tools_size(); ++i) {
    const std::string& parameters = request.tools(i).parameters();
    // They are copied into the request, so they must be one whole value.
    if (parameters.empty() || IsJsonObject(parameters)) continue;
    return FieldInvalid(absl::StrCat("tools[", i, "].parameters"), "no JSON object",
                        "a JSON Schema of an object");
  }
  const std::string& chosen = request.generation().tool_choice().tool();
  if (request.tools().empty() || chosen.empty() ||
      absl::c_any_of(request.tools(), [&](const auto& tool) { return tool.name() == chosen; })) {
    return absl::OkStatus();
  }
  return FieldInvalid("generation.tool_choice.tool", chosen, "the name of one of tools");
}

absl::StatusOr<BegunBody> BeginBody(absl::string_view wire_model, const ModelTerms& terms,
                                    const provider::v1::GenerateRequest& request) {
  BegunBody body;
  PENSTOCK_ASSIGN_OR_RETURN(body.generation, SendableGeneration(terms, request));
  PENSTOCK_RETURN_IF_ERROR(CheckMessages(request));
  PENSTOCK_RETURN_IF_ERROR(CheckTools(request));
  body.json.reserve(request.ByteSizeLong() * 5 / 4 + 256);
  body.json.append(R"({"model":)");
  AppendJsonString(body.json, wire_model);
  return body;
}

absl::Status AppendParameter(std::string& json, absl::string_view name, double number) {
  if (!std::isfinite(number)) {
    return FieldInvalid(absl::StrCat("generation.", name), absl::StrCat(number), "a finite number");
  }
  absl::StrAppend(&json, ",\"", name, "\":");
  AppendJsonNumber(json, number);
  return absl::OkStatus();
}

std::string ArgumentsObject(absl::string_view arguments) {
  if (arguments.empty()) return "{}";
  std::string whole = RepairUtf8(arguments);
  if (IsJsonObject(whole)) return whole;
  std::string wrapped = R"({"invalid_json":)";
  AppendJsonString(wrapped, whole);
  wrapped.push_back('}');
  return wrapped;
}

}  // namespace penstock::provider_adapter
