// Anthropic Messages (POST /messages), version 2023-06-01, also as compatible servers speak it
// (reference/providers.md 1.4).
#pragma once

#include "services/provider_adapter/provider.h"
#include "services/provider_adapter/quirks.h"

namespace penstock::provider_adapter {

// Always streams. What the API does not have is left out: seed, penalties, the name and `strict` of
// a response format. A temperature above 1 is sent as 1, its most. Refused, with the field: no
// max_output_tokens, a blank stop sequence, response_format json_object.
class AnthropicMessages : public Protocol {
 public:
  explicit AnthropicMessages(const Quirks& quirks = {}) : quirks_(quirks) {}

  std::string Url(absl::string_view base_url) const override;
  std::vector<std::string> Headers(absl::string_view api_key) const override;
  absl::StatusOr<std::string> Body(absl::string_view wire_model, const ModelTerms& terms,
                                   const provider::v1::GenerateRequest& request) const override;
  std::unique_ptr<AnswerParser> NewParser() const override;

 private:
  const Quirks quirks_;
};

}  // namespace penstock::provider_adapter
