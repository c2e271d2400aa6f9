// What a turn is expected to take, before anything of it is known but what was asked.
#pragma once

#include <cstdint>
#include <string>

#include "services/dispatcher/admission/agent_catalog.h"
#include "services/dispatcher/admission/amount.h"
#include "services/dispatcher/admission/turn_forecast.h"

namespace penstock::dispatcher {

// "agents/{agent}".
std::string NameOf(const config::v1::Agent& agent);

// Of what the turn itself brings: input with its images, overrides.
int64_t BytesOf(const chat::v1::TurnSpec& spec);
// Tokens of it.
int64_t EstimatedInput(const chat::v1::TurnSpec& spec);

// As turns of its agent with its model did; of the first one its own input and all of the output
// that it may have.
Amount ExpectedAmount(const TurnForecast& forecast, const ResolvedAgent& agent,
                      const chat::v1::TurnSpec& spec);

}  // namespace penstock::dispatcher
