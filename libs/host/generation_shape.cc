#include "libs/host/generation_shape.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {

std::optional<OutOfRange> FindOutOfRange(const chat::v1::GenerationConfig& generation) {
  if (generation.has_max_output_tokens() && generation.max_output_tokens() < 1) {
    return OutOfRange{"max_output_tokens", absl::StrCat(generation.max_output_tokens()),
                      "at least 1"};
  }
  const struct {
    absl::string_view field;
    bool is_set;
    double value;
    double min;
    double max;
  } numbers[] = {
      {"temperature", generation.has_temperature(), generation.temperature(), 0, 2},
      {"top_p", generation.has_top_p(), generation.top_p(), 0, 1},
      {"presence_penalty", generation.has_presence_penalty(), generation.presence_penalty(), -2, 2},
      {"frequency_penalty", generation.has_frequency_penalty(), generation.frequency_penalty(), -2,
       2}};
  for (const auto& number : numbers) {
    const bool within = number.value >= number.min && number.value <= number.max;
    if (!number.is_set || within) continue;
    return OutOfRange{number.field, absl::StrCat(number.value),
                      absl::StrCat(number.min, " to ", number.max)};
  }
  return std::nullopt;
}

}  // namespace penstock::host
