#include "services/dispatcher/turn/prompt.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libs/base/refusal.h"
#include "libs/tokens/raw_tokens.h"
#include "services/dispatcher/turn/notes.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::Part;

constexpr int64_t kMessageTokens = 4;
constexpr int64_t kMemoryShare = 10;  // one tenth of the window

// A request has to fit into a message (rpc::kMaxMessageBytes), with its frame and the recalled
// memories.
constexpr int64_t kMaxRequestBytes = (4 << 20) - (256 << 10);

// What a request has left.
struct Room {
  int64_t raw_tokens = 0;
  int64_t bytes = 0;
};

int64_t RawTokensOf(const Message& message) { return RawTokens(message.parts()) + kMessageTokens; }

Message TextMessage(chat::v1::Role role, const std::string& text) {
  Message message;
  message.set_role(role);
  message.add_parts()->mutable_text()->set_text(text);
  return message;
}

// Of thoughts of earlier turns, those that their provider wants back.
Message OfHistory(const Message& stored) {
  Message message;
  message.set_role(stored.role());
  for (const Part& part : stored.parts()) {
    if (!part.has_reasoning() || part.reasoning().has_state()) *message.add_parts() = part;
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
  PartTokens input;
  for (const Part* part : sources.input) input.Add(*part);
  int64_t tokens = input.count() + kMessageTokens;
  if (!instructions.empty()) tokens += RawTokens(instructions.size()) + kMessageTokens;
  for (const chat::v1::Tool& tool : ToolsOf(sources)) {
    tokens += RawTokens(tool.name().size() + tool.description().size() + tool.parameters().size()) +
              kMessageTokens;
  }
  for (const Message& message : sources.so_far) tokens += RawTokensOf(message);
  return tokens;
}

// Likewise, as they travel.
int64_t FixedBytes(const std::string& instructions, const PromptSources& sources) {
  size_t bytes = instructions.size();
  for (const Part* part : sources.input) bytes += part->ByteSizeLong();
  for (const chat::v1::Tool& tool : ToolsOf(sources)) bytes += tool.ByteSizeLong();
  for (const Message& message : sources.so_far) bytes += message.ByteSizeLong();
  return static_cast<int64_t>(bytes);
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

// `unit`: "tokens" or "bytes".
absl::Status TooLargeForModel(const PromptSources& sources, absl::string_view unit, int64_t found,
                              int64_t allowed) {
  return Refusal(absl::StatusCode::kInvalidArgument, "CONTEXT_WINDOW",
                 absl::StrCat("instructions, tools, message and steps: found ", found, " ", unit,
                              ", ", sources.model.name(), " takes at most ",
                              std::max<int64_t>(allowed, 0), " here"))
      .With("found", absl::StrCat(found))
      .With("allowed", absl::StrCat(std::max<int64_t>(allowed, 0)));
}

// The newest whole turns that fit the room, which it takes from; true if some did not.
bool AddHistory(absl::Span<const Message* const> history, Room& room,
                provider::v1::GenerateRequest& request) {
  size_t begin = history.size();
  Room turn;
  for (size_t i = history.size(); i-- > 0;) {
    turn.raw_tokens += RawTokensOf(*history[i]);
    turn.bytes += static_cast<int64_t>(history[i]->ByteSizeLong());
    if (turn.raw_tokens > room.raw_tokens || turn.bytes > room.bytes) break;
    if (history[i]->role() != chat::v1::USER && i > 0) continue;
    room.raw_tokens -= std::exchange(turn.raw_tokens, 0);
    room.bytes -= std::exchange(turn.bytes, 0);
    begin = i;
  }
  for (size_t i = begin; i < history.size(); ++i) {
    Message message = OfHistory(*history[i]);
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
    return TooLargeForModel(sources, "tokens", static_cast<int64_t>(counted), budget);
  }
  const int64_t fixed_bytes = FixedBytes(instructions, sources);
  if (fixed_bytes > kMaxRequestBytes) {
    return TooLargeForModel(sources, "bytes", fixed_bytes, kMaxRequestBytes);
  }
  Room room{.raw_tokens = raw_budget - fixed, .bytes = kMaxRequestBytes - fixed_bytes};

  const int64_t for_notes =
      std::min(room.raw_tokens, raw(static_cast<double>(MemoryBudgetTokens(sources.model))));
  Notes notes = WriteNotes(sources.memories, for_notes * 10 / 3);  // tokens → bytes: / 1.2 × 4
  room.raw_tokens -= RawTokens(notes.text.size());
  prompt.truncated = AddHistory(sources.history, room, prompt.request);

  *prompt.request.add_messages() = NewestMessage(notes.text, sources.input);
  for (const Message& message : sources.so_far) *prompt.request.add_messages() = message;
  prompt.request.set_model(sources.model.name());
  *prompt.request.mutable_generation() =
      EffectiveGeneration(sources.agent, sources.model, sources.overrides);
  SetTools(sources, prompt.request);
  prompt.max_output_tokens = prompt.request.generation().max_output_tokens();
  prompt.memories = std::move(notes.memories);
  prompt.raw_input_tokens = raw_budget - room.raw_tokens;
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
