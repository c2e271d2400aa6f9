// What the configuration says of a model that its requests depend on.
#pragma once

#include <string>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/config/v1/config.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Parameters that a model does not take (Model.refuses, of which `prefill` is the dispatcher's
// business: the adapter sends what it is given).
struct RefusedParameters {
  bool temperature = false;
  bool top_p = false;
  bool stop = false;
  bool seed = false;
  bool presence_penalty = false;
  bool frequency_penalty = false;
  bool tools = false;
  bool response_format = false;
};

struct ModelTerms {
  // "provider/model", as the configuration calls it.
  std::string model = {};
  RefusedParameters refuses = {};
  // Requests mark the end of their stable prefix, where the protocol has such marks.
  bool prompt_cache = true;
};

// INVALID_ARGUMENT with the path of a name in Model.refuses that is no parameter.
absl::StatusOr<ModelTerms> ReadModelTerms(const config::v1::Model& model, absl::string_view path);

// The request's generation settings without those that the model refuses. INVALID_ARGUMENT, naming
// model and parameter, when it refuses one that cannot be left out: tools, response_format.
absl::StatusOr<chat::v1::GenerationConfig> SendableGeneration(
    const ModelTerms& terms, const provider::v1::GenerateRequest& request);

}  // namespace penstock::provider_adapter
