// What a model's finished answer means for its turn. Pure.
#pragma once

#include <cstdint>

#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/dispatcher/turn/steps.h"

namespace penstock::dispatcher {

struct AnswerRules {
  // The model was given tools.
  bool tools_offered = false;
  // turn.max_tool_calls have been asked for: this is the last answer.
  bool at_limit = false;
  // Of the whole turn; the answer that reaches it is the last.
  int64_t max_output_bytes = 0;
};

// Whether the answer asks for tools: it has calls, was not cut short, and the rules let it. Then
// its reason is TOOL_CALLS, and each call has an id that no other call of the turn has (some
// providers count them anew in every answer). Else its calls are taken out, and its reason says why
// it is the last one: TOOL_LIMIT, LENGTH, or its own.
bool AsksForTools(provider::v1::GenerateFinished& finished, const Steps& before,
                  const AnswerRules& rules);

}  // namespace penstock::dispatcher
