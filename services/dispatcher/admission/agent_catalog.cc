#include "services/dispatcher/admission/agent_catalog.h"

#include <algorithm>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "libs/host/generation_shape.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

absl::Status Forbidden(absl::string_view agent, absl::string_view field) {
  return Refusal(absl::StatusCode::kPermissionDenied, "OVERRIDE_FORBIDDEN",
                 absl::StrCat("turn.overrides.", field, ": ", agent,
                              " does not allow this override; leave it out or add \"", field,
                              "\" to the agent's `overridable`"))
      .With("field", field)
      .With("agent", agent);
}

template <class Names>
bool Contains(const Names& names, absl::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& each) { return absl::string_view(each) == name; });
}

absl::Status CheckGeneration(const chat::v1::GenerationConfig& generation) {
  const std::string path = "turn.overrides.generation.";
  if (const auto wrong = host::FindOutOfRange(generation)) {
    return FieldInvalid(absl::StrCat(path, wrong->field), wrong->found, wrong->allowed);
  }
  if (generation.stop_size() <= host::kMaxStops) return absl::OkStatus();
  return FieldInvalid(path + "stop", absl::StrCat(generation.stop_size(), " sequences"),
                      absl::StrCat("at most ", host::kMaxStops));
}

// A tool that is chosen is one of those that the turn has.
absl::Status CheckToolChoice(const config::v1::Agent& agent, const chat::v1::Overrides& overrides) {
  const chat::v1::ToolChoice& choice = overrides.generation().has_tool_choice()
                                           ? overrides.generation().tool_choice()
                                           : agent.generation().tool_choice();
  if (choice.tool().empty()) return absl::OkStatus();
  const auto& tools = overrides.tools().empty() ? agent.tools() : overrides.tools();
  const bool known = std::any_of(tools.begin(), tools.end(), [&](const chat::v1::Tool& tool) {
    return tool.name() == choice.tool();
  });
  if (known) return absl::OkStatus();
  return FieldInvalid("turn.overrides.generation.tool_choice.tool",
                      absl::StrCat("\"", choice.tool(), "\""), "the name of a tool of the turn");
}

}  // namespace

AgentCatalog::AgentCatalog(const config::v1::Config& config) : config_(config) {
  for (const auto& agent : config_.agents()) agents_[absl::StrCat("agents/", agent.id())] = &agent;
  for (const auto& model : config_.models()) models_[model.name()] = &model;
}

absl::StatusOr<const config::v1::Model*> AgentCatalog::ModelFor(const config::v1::Agent& agent,
                                                                absl::string_view wanted) const {
  const auto found = models_.find(wanted);
  const bool allowed = agent.models().empty() || Contains(agent.models(), wanted);
  if (found != models_.end() && (allowed || wanted == agent.model())) return found->second;
  return FieldInvalid("turn.overrides.model", absl::StrCat("\"", wanted, "\""),
                      absl::StrCat("a configured model that agents/", agent.id(), " may use"));
}

absl::StatusOr<ResolvedAgent> AgentCatalog::Resolve(absl::string_view name,
                                                    const chat::v1::TurnSpec& spec) const {
  const std::string wanted = name.empty() ? "agents/default" : std::string(name);
  const auto found = agents_.find(wanted);
  if (found == agents_.end()) {
    return Refusal(absl::StatusCode::kNotFound, "AGENT_NOT_FOUND",
                   absl::StrCat(wanted, ": no such agent in the configuration"))
        .With("name", wanted);
  }
  const config::v1::Agent& agent = *found->second;
  const chat::v1::Overrides& overrides = spec.overrides();
  if (!overrides.model().empty() && !Contains(agent.overridable(), "model")) {
    return Forbidden(wanted, "model");
  }
  if (!overrides.instructions().empty() && !Contains(agent.overridable(), "instructions")) {
    return Forbidden(wanted, "instructions");
  }
  if (overrides.has_generation() && !Contains(agent.overridable(), "generation")) {
    return Forbidden(wanted, "generation");
  }
  if (!overrides.tools().empty() && !Contains(agent.overridable(), "tools")) {
    return Forbidden(wanted, "tools");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckGeneration(overrides.generation()));
  PENSTOCK_RETURN_IF_ERROR(CheckToolChoice(agent, overrides));

  ResolvedAgent resolved;
  resolved.agent = &agent;
  PENSTOCK_ASSIGN_OR_RETURN(
      resolved.model,
      ModelFor(agent, overrides.model().empty() ? agent.model() : overrides.model()));
  const int64_t window = resolved.model->context_window_tokens();
  if (overrides.generation().max_output_tokens() >= window) {
    return FieldInvalid(
        "turn.overrides.generation.max_output_tokens",
        absl::StrCat(overrides.generation().max_output_tokens()),
        absl::StrCat("less than the window of ", resolved.model->name(), ", ", window, " tokens"));
  }
  resolved.recall = spec.memory().has_recall() ? spec.memory().recall() : agent.recall();
  resolved.remember = spec.memory().has_remember() ? spec.memory().remember() : agent.remember();
  return resolved;
}

}  // namespace penstock::dispatcher
