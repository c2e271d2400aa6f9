// What the requests of every wire protocol have in common.
#pragma once

#include <string>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/provider_adapter/model_terms.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Each message has a role, and its parts are of that role: tool calls and opaque parts of
// ASSISTANT, images of USER, tool results alone of TOOL. Images have a source that can be sent.
// INVALID_ARGUMENT with the field.
absl::Status CheckMessages(const provider::v1::GenerateRequest& request);

// INVALID_ARGUMENT: a result without an open call before it.
absl::Status ResultWithoutCall(const provider::v1::GenerateRequest& request, int message, int part);

// INVALID_ARGUMENT when a tool's parameters are no JSON object, or the choice is no tool.
absl::Status CheckTools(const provider::v1::GenerateRequest& request);

// A request's body as far as all protocols begin alike: `{"model":"…"`.
struct BegunBody {
  std::string json;
  // SendableGeneration.
  chat::v1::GenerationConfig generation;
};
// INVALID_ARGUMENT with the field, as CheckMessages, CheckTools and SendableGeneration say.
absl::StatusOr<BegunBody> BeginBody(absl::string_view wire_model, const ModelTerms& terms,
                                    const provider::v1::GenerateRequest& request);

// Appends `,"name":number`; INVALID_ARGUMENT when it is not finite.
absl::Status AppendParameter(std::string& json, absl::string_view name, double number);

// The arguments of an earlier call as a JSON object, in whole characters: {} for none, and
// {"invalid_json": "..."} for what is no object. Providers refuse a history that holds such, and so
// the model sees its own mistake beside the tool's complaint.
std::string ArgumentsObject(absl::string_view arguments);

// What a model is told of a call that was never answered.
inline constexpr absl::string_view kNoResult = "no result";

}  // namespace penstock::provider_adapter
