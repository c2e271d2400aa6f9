#include "services/dispatcher/admission/expected_amount.h"

#include <optional>

#include "libs/pricing/price.h"
#include "libs/tokens/raw_tokens.h"
#include "services/dispatcher/turn/prompt.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {

std::string NameOf(const config::v1::Agent& agent) { return absl::StrCat("agents/", agent.id()); }

int64_t BytesOf(const chat::v1::TurnSpec& spec) {
  return static_cast<int64_t>(spec.ByteSizeLong());
}

int64_t EstimatedInput(const chat::v1::TurnSpec& spec) { return RawTokens(spec.input()); }

Amount ExpectedAmount(const TurnForecast& forecast, const ResolvedAgent& agent,
                      const chat::v1::TurnSpec& spec) {
  chat::v1::Usage usage;
  usage.set_input_tokens(EstimatedInput(spec));
  usage.set_output_tokens(
      EffectiveGeneration(*agent.agent, *agent.model, spec.overrides()).max_output_tokens());
  std::optional<pricing::Rates> rates;
  if (agent.model->has_price()) rates = pricing::ToRates(agent.model->price());
  const Amount first{.tokens = usage.input_tokens() + usage.output_tokens(),
                     .nano_usd = pricing::CostNanoUsd(rates, usage).value_or(0)};
  return forecast.TurnAmount(NameOf(*agent.agent), agent.model->name(), first);
}

}  // namespace penstock::dispatcher
