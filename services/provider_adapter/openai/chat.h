// OpenAI Chat Completions (POST /chat/completions), also as vLLM, llama.cpp, Ollama, Azure and
// others speak it (reference/providers.md 1.1 and 1.7).
#pragma once

#include "services/provider_adapter/provider.h"
#include "services/provider_adapter/quirks.h"

namespace penstock::provider_adapter {

class OpenAiChat : public Protocol {
 public:
  explicit OpenAiChat(const Quirks& quirks = {}) : quirks_(quirks) {}

  std::string Url(absl::string_view base_url) const override;
  std::vector<std::string> Headers(absl::string_view api_key) const override;
  absl::StatusOr<std::string> Body(absl::string_view wire_model, const ModelTerms& terms,
                                   const provider::v1::GenerateRequest& request) const override;
  std::unique_ptr<AnswerParser> NewParser() const override;

 private:
  const Quirks quirks_;
};

}  // namespace penstock::provider_adapter
