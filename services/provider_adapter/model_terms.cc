#include "services/provider_adapter/model_terms.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using Refuses = RefusedParameters;

constexpr std::array<std::pair<absl::string_view, bool Refuses::*>, 8> kParameters = {{
    {"temperature", &Refuses::temperature},
    {"top_p", &Refuses::top_p},
    {"stop", &Refuses::stop},
    {"seed", &Refuses::seed},
    {"presence_penalty", &Refuses::presence_penalty},
    {"frequency_penalty", &Refuses::frequency_penalty},
    {"tools", &Refuses::tools},
    {"response_format", &Refuses::response_format},
}};

absl::Status ModelRefuses(const ModelTerms& terms, absl::string_view parameter,
                          absl::string_view field, absl::string_view found) {
  return FieldInvalid(field, found,
                      absl::StrCat("none: model ", terms.model, " refuses ", parameter));
}

}  // namespace

absl::StatusOr<ModelTerms> ReadModelTerms(const config::v1::Model& model, absl::string_view path) {
  ModelTerms terms{.model = model.name(), .refuses = {}, .prompt_cache = model.prompt_cache()};
  for (int i = 0; i < model.refuses_size(); ++i) {
    if (model.refuses(i) == "prefill") continue;
    const auto* const found =
        std::find_if(kParameters.begin(), kParameters.end(),
                     [&](const auto& parameter) { return parameter.first == model.refuses(i); });
    if (found == kParameters.end()) {
      return FieldInvalid(absl::StrCat(path, ".refuses[", i, "]"), model.refuses(i),
                          "temperature, top_p, stop, seed, presence_penalty, frequency_penalty, "
                          "tools, response_format, prefill");
    }
    terms.refuses.*found->second = true;
  }
  return terms;
}

absl::StatusOr<chat::v1::GenerationConfig> SendableGeneration(
    const ModelTerms& terms, const provider::v1::GenerateRequest& request) {
  const Refuses& refuses = terms.refuses;
  chat::v1::GenerationConfig generation = request.generation();
  if (refuses.tools && request.tools_size() > 0) {
    return ModelRefuses(terms, "tools", "tools", absl::StrCat(request.tools_size()));
  }
  if (refuses.response_format &&
      generation.response_format().kind_case() != chat::v1::ResponseFormat::KIND_NOT_SET) {
    const bool object = generation.response_format().has_json_object();
    return ModelRefuses(terms, "response_format", "generation.response_format",
                        object ? "json_object" : "json_schema");
  }
  if (refuses.temperature) generation.clear_temperature();
  if (refuses.top_p) generation.clear_top_p();
  if (refuses.stop) generation.clear_stop();
  if (refuses.seed) generation.clear_seed();
  if (refuses.presence_penalty) generation.clear_presence_penalty();
  if (refuses.frequency_penalty) generation.clear_frequency_penalty();
  return generation;
}

}  // namespace penstock::provider_adapter
