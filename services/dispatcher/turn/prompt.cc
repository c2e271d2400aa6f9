#include "services/dispatcher/turn/prompt.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libs/base/refusal.h"
#include "services/dispatcher/turn/notes.h"
#include "services/dispatcher/turn/token_estimator.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::Part;

constexpr int64_t kMessageTokens = 4;
constexpr int64_t kMemoryShare = 10;  // one tenth of the window

size_t TextBytes(const Part& part) {
  switch (part.kind_case()) {
    case Part::kText:
      return part.text().text().size();
    case Part::kRefusal:
      return part.refusal().text().size();
    case Part::kToolCall:
      return part.tool_call().name().size() + part.tool_call().arguments().size();
    case Part::kToolResult:
      return part.tool_result().content().size();
    case Part::kReasoning:
    case Part::KIND_NOT_SET:
      return 0;
  }
  return 0;
}

int64_t RawTokensOf(const Message& message) {
  size_t bytes = 0;
  for (const Part& part : message.parts()) bytes += TextBytes(part);
  return RawTokens(bytes) + kMessageTokens;
}

Message TextMessage(chat::v1::Role role, const std::string& text) {
  Message message;
  message.set_role(role);
  message.add_parts()->mutable_text()->set_text(text);
  return message;
}

// Without reasoning, which is never sent back to a provider.
Message ForProvider(const Message& stored) {
  Message message;
  message.set_role(stored.role());
  for (const Part& part : stored.parts()) {
    if (!part.has_reasoning()) *message.add_parts() = part;
  }
  return message;
}

Message NewestMessage(const std::string& notes, absl::Span<const Part* const> input) {
  Message message;
  message.set_role(chat::v1::USER);
  if (!notes.empty()) message.add_parts()->mutable_text()->set_text(notes);
  for (const Part* part : input) *message.add_parts() = *part;
  return message;
}

const google::protobuf::RepeatedPtrField<chat::v1::Tool>& ToolsOf(const PromptSources& sources) {
  return sources.overrides.tools().empty() ? sources.agent.tools() : sources.overrides.tools();
}

// Of what must be sent: instructions, tools, newest message and steps.
int64_t FixedTokens(const std::string& instructions, const PromptSources& sources) {
  size_t bytes = 0;
  for (const Part* part : sources.input) bytes += TextBytes(*part);
  int64_t tokens = RawTokens(bytes) + kMessageTokens;
  if (!instructions.empty()) tokens += RawTokens(instructions.size()) + kMessageTokens;
  for (const chat::v1::Tool& tool : ToolsOf(sources)) {
    tokens += RawTokens(tool.name().size() + tool.description().size() + tool.parameters().size()) +
              kMessageTokens;
  }
  for (const Message& message : sources.so_far) tokens += RawTokensOf(message);
  return tokens;
}

bool Forces(const chat::v1::ToolChoice& choice) {
  return !choice.tool().empty() || choice.mode() == chat::v1::ToolChoice::REQUIRED;
}

void SetTools(const PromptSources& sources, provider::v1::GenerateRequest& request) {
  *request.mutable_tools() = ToolsOf(sources);
  chat::v1::GenerationConfig& generation = *request.mutable_generation();
  if (request.tools().empty()) {
    generation.clear_tool_choice();
  } else if (sources.no_more_tools) {
    generation.clear_tool_choice();
    generation.mutable_tool_choice()->set_mode(chat::v1::ToolChoice::NONE);
  } else if (!sources.so_far.empty() && Forces(generation.tool_choice())) {
    generation.clear_tool_choice();
  }
}

int64_t InputBudget(const config::v1::Agent& agent, const config::v1::Model& model,
                    const chat::v1::Overrides& overrides) {
  const int64_t output = EffectiveGeneration(agent, model, overrides).max_output_tokens();
  const int64_t window = model.context_window_tokens() - output;
  const int64_t agents = agent.context_budget_tokens();
  return agents > 0 ? std::min(agents, window) : window;
}

absl::Status TooLargeForModel(const PromptSources& sources, int64_t found, int64_t allowed) {
  return Refusal(absl::StatusCode::kInvalidArgument, "CONTEXT_WINDOW",
                 absl::StrCat("instructions, tools, message and steps: found ", found, " tokens, ",
                              sources.model.name(), " takes at most ",
                              std::max<int64_t>(allowed, 0), " here"))
      .With("found", absl::StrCat(found))
      .With("allowed", absl::StrCat(std::max<int64_t>(allowed, 0)));
}

// The newest whole turns that fit `room` raw tokens, which it takes from; true if some did not.
bool AddHistory(absl::Span<const Message* const> history, int64_t& room,
                provider::v1::GenerateRequest& request) {
  size_t begin = history.size();
  int64_t turn_tokens = 0;
  for (size_t i = history.size(); i-- > 0;) {
    turn_tokens += RawTokensOf(*history[i]);
    if (turn_tokens > room) break;
    if (history[i]->role() != chat::v1::USER && i > 0) continue;
    room -= std::exchange(turn_tokens, 0);
    begin = i;
  }
  for (size_t i = begin; i < history.size(); ++i) {
    Message message = ForProvider(*history[i]);
    if (message.parts_size() > 0) *request.add_messages() = std::move(message);
  }
  return begin > 0;
}

}  // namespace

absl::StatusOr<Prompt> BuildPrompt(const PromptSources& sources) {
  Prompt prompt;
  const std::string& instructions = sources.overrides.instructions().empty()
                                        ? sources.agent.instructions()
                                        : sources.overrides.instructions();
  if (!instructions.empty()) {
    *prompt.request.add_messages() = TextMessage(chat::v1::SYSTEM, instructions);
  }
  const int64_t fixed = FixedTokens(instructions, sources);
  const auto raw = [&](double tokens) {
    return static_cast<int64_t>(tokens / sources.token_factor);
  };
  const int64_t budget = InputBudget(sources.agent, sources.model, sources.overrides);
  const int64_t raw_budget = raw(static_cast<double>(budget));
  if (fixed > raw_budget) {
    const double counted = std::ceil(static_cast<double>(fixed) * sources.token_factor);
    return TooLargeForModel(sources, static_cast<int64_t>(counted), budget);
  }
  int64_t room = raw_budget - fixed;

  const int64_t for_notes =
      std::min(room, raw(static_cast<double>(MemoryBudgetTokens(sources.model))));
  Notes notes = WriteNotes(sources.memories, for_notes * 10 / 3);  // tokens → bytes: / 1.2 × 4
  room -= RawTokens(notes.text.size());
  prompt.truncated = AddHistory(sources.history, room, prompt.request);

  *prompt.request.add_messages() = NewestMessage(notes.text, sources.input);
  for (const Message& message : sources.so_far) {
    Message shown = ForProvider(message);
    if (shown.parts_size() > 0) *prompt.request.add_messages() = std::move(shown);
  }
  prompt.request.set_model(sources.model.name());
  *prompt.request.mutable_generation() =
      EffectiveGeneration(sources.agent, sources.model, sources.overrides);
  SetTools(sources, prompt.request);
  prompt.max_output_tokens = prompt.request.generation().max_output_tokens();
  prompt.memories = std::move(notes.memories);
  prompt.raw_input_tokens = raw_budget - room;
  prompt.input_tokens = static_cast<int64_t>(
      std::ceil(static_cast<double>(prompt.raw_input_tokens) * sources.token_factor));
  return prompt;
}

chat::v1::GenerationConfig EffectiveGeneration(const config::v1::Agent& agent,
                                               const config::v1::Model& model,
                                               const chat::v1::Overrides& overrides) {
  chat::v1::GenerationConfig effective = agent.generation();
  const chat::v1::GenerationConfig& changed = overrides.generation();
  if (changed.stop_size() > 0) effective.clear_stop();
  if (changed.has_response_format()) effective.clear_response_format();
  if (changed.has_tool_choice()) effective.clear_tool_choice();
  effective.MergeFrom(changed);
  if (!effective.has_max_output_tokens()) {
    effective.set_max_output_tokens(model.max_output_tokens());
  }
  return effective;
}

int64_t MemoryBudgetTokens(const config::v1::Model& model) {
  return model.context_window_tokens() / kMemoryShare;
}

int64_t HistoryBudgetTokens(const config::v1::Agent& agent, const config::v1::Model& model,
                            const chat::v1::Overrides& overrides) {
  return std::max<int64_t>(InputBudget(agent, model, overrides), 0);
}

}  // namespace penstock::dispatcher
