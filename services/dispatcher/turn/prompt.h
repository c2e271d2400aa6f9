// From agent, history, memories and input to one provider-agnostic request. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "penstock/chat/v1/memory.pb.h"
#include "penstock/chat/v1/message.pb.h"
#include "penstock/config/v1/config.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace penstock::dispatcher {

// References live as long as the call.
struct PromptSources {
  const config::v1::Agent& agent;
  // The one that is called: the override's or the agent's.
  const config::v1::Model& model;
  const chat::v1::Overrides& overrides;
  // Oldest first; a turn is a user message and what follows it up to the next one.
  absl::Span<const chat::v1::Message* const> history;
  // Best first.
  absl::Span<const chat::v1::Memory* const> memories;
  absl::Span<const chat::v1::Part* const> input;
  // What the turn has done so far: the assistant's messages, each with its results behind it.
  absl::Span<const chat::v1::Message> so_far = {};
  // The turn has asked for all the tools it may: this answer is to be made without.
  bool no_more_tools = false;
  // TokenEstimator::Factor of the model.
  double token_factor = 1;
};

struct Prompt {
  // Model, messages, tools and generation are set; generation.max_output_tokens always is.
  provider::v1::GenerateRequest request;
  // Counted: what the permit reserves.
  int64_t input_tokens = 0;
  int64_t max_output_tokens = 0;
  // input_tokens before the model's factor: what TokenEstimator::Learn wants.
  int64_t raw_input_tokens = 0;
  // Names of the memories that fitted, best first.
  std::vector<std::string> memories;
  // Older turns were left out.
  bool truncated = false;
};

// Instructions (system), history, then the newest user message, whose first part is the notes: what
// was recalled, marked as data, escaped so that no memory can end the notes; then the steps of the
// turn so far. The overrides' tools, if there are any, else the agent's. A choice that forces a
// call (REQUIRED, or one tool) is for the first step: kept up, it would never let the model answer.
// With no_more_tools the choice is NONE; the tools stay, for the calls made so far name them.
//
// A message counts RawTokens of its parts (libs/tokens) plus 4, times the factor; a tool counts
// likewise. Input budget = the model's window less the output, or the agent's context_budget_tokens
// if that is less; of it instructions, tools, newest message and steps come first, memories get at
// most 10 % of the window, history the rest, newest turns first. A turn is in it whole or not at
// all, so no call goes without its result. All of it is at most 3.75 MiB, which images may reach
// first.
//
// Opaque parts and Reasoning.state go along unchanged, in their places: the adapter leaves out what
// the model's protocol does not know. Of history, reasoning without state is left out; of the steps
// of this very turn it is not, for some providers want it back while tools are called.
//
// INVALID_ARGUMENT (CONTEXT_WINDOW) when what comes first does not fit alone.
absl::StatusOr<Prompt> BuildPrompt(const PromptSources& sources);

// The agent's generation settings with those of the overrides that are set in their place, and the
// model's max_output_tokens when neither gives one.
chat::v1::GenerationConfig EffectiveGeneration(const config::v1::Agent& agent,
                                               const config::v1::Model& model,
                                               const chat::v1::Overrides& overrides);

// Tokens, raw, that memories and history may fill at most: what Recall and BeginTurn are asked for.
int64_t MemoryBudgetTokens(const config::v1::Model& model);
int64_t HistoryBudgetTokens(const config::v1::Agent& agent, const config::v1::Model& model,
                            const chat::v1::Overrides& overrides);

}  // namespace penstock::dispatcher
