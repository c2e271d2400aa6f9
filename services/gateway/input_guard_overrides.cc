// What a request may override of its agent: the model, its instructions and how it generates.
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "libs/host/generation_shape.h"
#include "libs/host/tool_shape.h"
#include "services/gateway/field_checks.h"
#include "services/gateway/input_guard.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

constexpr absl::string_view kGeneration = "turn.overrides.generation.";
constexpr uint64_t kMaxModelNameBytes = 256;
constexpr uint64_t kMaxStopBytes = 256;

absl::Status CheckStops(const chat::v1::GenerationConfig& generation) {
  const std::string field = absl::StrCat(kGeneration, "stop");
  if (generation.stop_size() > host::kMaxStops) {
    return FieldInvalid(field, absl::StrCat(generation.stop_size(), " sequences"),
                        absl::StrCat("at most ", host::kMaxStops));
  }
  for (int i = 0; i < generation.stop_size(); ++i) {
    const std::string each = absl::StrCat(field, "[", i, "]");
    // It would stop before the first token.
    if (generation.stop(i).empty()) return FieldInvalid(each, "0 bytes", "at least 1 byte");
    PENSTOCK_RETURN_IF_ERROR(CheckSize(each, generation.stop(i).size(), kMaxStopBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckJsonSchema(const chat::v1::ResponseFormat::JsonSchema& format,
                             uint64_t max_bytes) {
  const std::string field = absl::StrCat(kGeneration, "response_format.json_schema.");
  if (!host::IsToolName(format.name())) {
    return FieldInvalid(field + "name", Quoted(format.name()), "1 to 64 of [A-Za-z0-9_-]");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckSize(field + "schema", format.schema().size(), max_bytes));
  if (host::IsJsonObject(format.schema())) return absl::OkStatus();
  return FieldInvalid(field + "schema",
                      absl::StrCat(format.schema().size(), " bytes that are no JSON object"),
                      "a JSON Schema, at most 32 levels deep");
}

}  // namespace

absl::Status InputGuard::CheckOverrides(const chat::v1::Overrides& overrides) const {
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("turn.overrides.model", overrides.model().size(), kMaxModelNameBytes));
  PENSTOCK_RETURN_IF_ERROR(
      CheckSize("turn.overrides.instructions", overrides.instructions().size(),
                static_cast<uint64_t>(config_.turn().max_instructions_bytes())));
  PENSTOCK_RETURN_IF_ERROR(CheckGeneration(overrides.generation()));
  return CheckTools(overrides);
}

absl::Status InputGuard::CheckGeneration(const chat::v1::GenerationConfig& generation) const {
  if (const auto wrong = host::FindOutOfRange(generation)) {
    return FieldInvalid(absl::StrCat(kGeneration, wrong->field), wrong->found, wrong->allowed);
  }
  PENSTOCK_RETURN_IF_ERROR(CheckStops(generation));
  if (!generation.response_format().has_json_schema()) return absl::OkStatus();
  return CheckJsonSchema(generation.response_format().json_schema(),
                         static_cast<uint64_t>(config_.turn().max_tool_schema_bytes()));
}

}  // namespace penstock::gateway
