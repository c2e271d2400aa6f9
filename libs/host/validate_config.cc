#include "libs/host/validate_config.h"

#include <string>
#include <utility>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/status_macros.h"
#include "libs/host/did_you_mean.h"
#include "libs/host/endpoint.h"
#include "libs/host/found_allowed.h"
#include "libs/host/generation_shape.h"
#include "libs/host/tool_shape.h"
#include "libs/host/validate_identity.h"
#include "libs/host/validate_models.h"
#include "libs/host/validate_providers.h"
#include "libs/host/validate_tiers.h"
#include "libs/host/validate_transport.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

using config::v1::Config;

// What is left over is served in order of the classes.
constexpr double kMaxFloors = 0.5;

absl::Status CheckEndpoint(absl::string_view path, absl::string_view text) {
  const auto endpoint = ParseEndpoint(text);
  return endpoint.ok() ? absl::OkStatus() : Wrong(path, endpoint.status().message());
}

absl::Status CheckProcess(const Config& config) {
  if (config.data_dir().empty()) return Wrong("data_dir", "found empty text, allowed a folder");
  const std::string& severity = config.process().log_severity();
  if (severity != "DEBUG" && severity != "INFO" && severity != "WARNING" && severity != "ERROR") {
    return FoundAllowed("process.log_severity", severity, "DEBUG, INFO, WARNING or ERROR");
  }
  if (config.process().admin().empty()) return absl::OkStatus();
  return CheckEndpoint("process.admin", config.process().admin());
}

absl::Status CheckEndpoints(const config::v1::Endpoints& endpoints) {
  const std::pair<absl::string_view, absl::string_view> all[] = {
      {"endpoints.gateway", endpoints.gateway()},
      {"endpoints.dispatcher", endpoints.dispatcher()},
      {"endpoints.session_state", endpoints.session_state()},
      {"endpoints.memory_recall", endpoints.memory_recall()},
      {"endpoints.provider_adapter", endpoints.provider_adapter()}};
  for (const auto& [path, text] : all) PENSTOCK_RETURN_IF_ERROR(CheckEndpoint(path, text));
  return absl::OkStatus();
}

absl::Status CheckQueue(const config::v1::Queue& queue) {
  const double floors = queue.paid_floor() + queue.free_floor() + queue.batch_floor();
  if (floors <= kMaxFloors) return absl::OkStatus();
  return FoundAllowed("queue", absl::StrCat("floors of ", floors, " together"),
                      absl::StrCat("at most ", kMaxFloors));
}

bool IsEnvironmentName(absl::string_view name) {
  const auto letter = [](char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
  };
  const auto letter_or_digit = [&](char c) {
    return letter(c) || absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  return !name.empty() && letter(name[0]) && absl::c_all_of(name, letter_or_digit);
}

bool IsHttpUrl(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "https://") && !absl::ConsumePrefix(&url, "http://")) return false;
  const auto unfit = [](char c) {
    return !absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '?' || c == '#';
  };
  return !url.empty() && url[0] != '/' && !absl::c_any_of(url, unfit);
}

absl::Status CheckProvider(const std::string& path, const config::v1::Provider& provider) {
  if (!IsValidId(provider.name())) {
    return FoundAllowed(path + ".name", provider.name(), "[A-Za-z0-9._~-]{1,64}");
  }
  if (provider.protocol() != "openai" && provider.protocol() != "anthropic") {
    return FoundAllowed(path + ".protocol", provider.protocol(), "openai or anthropic");
  }
  PENSTOCK_RETURN_IF_ERROR(ValidateProvider(path, provider));
  if (!IsHttpUrl(provider.base_url())) {
    return FoundAllowed(path + ".base_url", provider.base_url(),
                        "a URL such as https://host/v1, without query");
  }
  if (!provider.api_key_env().empty() && !IsEnvironmentName(provider.api_key_env())) {
    // Not shown: it may be the key itself, put here by mistake.
    return Wrong(path + ".api_key_env", "must be the name of an environment variable, not a key");
  }
  return absl::OkStatus();
}

absl::Status CheckGeneration(const std::string& path, const chat::v1::GenerationConfig& g) {
  if (const auto wrong = FindOutOfRange(g)) {
    return FoundAllowed(absl::StrCat(path, ".", wrong->field), wrong->found, wrong->allowed);
  }
  if (g.stop_size() <= kMaxStops) return absl::OkStatus();
  return Wrong(path + ".stop",
               absl::StrCat("found ", g.stop_size(), " sequences, allowed ", kMaxStops));
}

absl::Status CheckModelIsKnown(const std::string& path, const std::string& model,
                               const std::vector<std::string>& models) {
  if (absl::c_linear_search(models, model)) return absl::OkStatus();
  return FoundAllowed(path, model,
                      absl::StrCat("a model that is configured", DidYouMean(model, models)));
}

absl::Status CheckTools(const std::string& path, const config::v1::Agent& agent) {
  std::vector<std::string> names;
  for (int i = 0; i < agent.tools_size(); ++i) {
    const chat::v1::Tool& tool = agent.tools(i);
    const std::string tool_path = absl::StrCat(path, ".tools[", i, "]");
    if (!IsToolName(tool.name())) {
      return FoundAllowed(tool_path + ".name", tool.name(), "1 to 64 of [A-Za-z0-9_-]");
    }
    if (absl::c_linear_search(names, tool.name())) {
      return FoundAllowed(tool_path + ".name", tool.name(), "a name that no other tool has");
    }
    if (!tool.parameters().empty() && !IsJsonObject(tool.parameters())) {
      return Wrong(tool_path + ".parameters", "found no JSON object, allowed a JSON Schema");
    }
    names.push_back(tool.name());
  }
  const std::string& chosen = agent.generation().tool_choice().tool();
  if (chosen.empty() || absl::c_linear_search(names, chosen)) return absl::OkStatus();
  return FoundAllowed(path + ".generation.tool_choice.tool", chosen,
                      absl::StrCat("a tool of the agent", DidYouMean(chosen, names)));
}

absl::Status CheckAgent(const std::string& path, const config::v1::Agent& agent,
                        const std::vector<std::string>& models) {
  if (!IsValidId(agent.id())) {
    return FoundAllowed(path + ".id", agent.id(), "[A-Za-z0-9._~-]{1,64}");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckModelIsKnown(path + ".model", agent.model(), models));
  for (int i = 0; i < agent.models_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(
        CheckModelIsKnown(absl::StrCat(path, ".models[", i, "]"), agent.models(i), models));
  }
  for (int i = 0; i < agent.overridable_size(); ++i) {
    const std::string& what = agent.overridable(i);
    if (what == "model" || what == "instructions" || what == "generation" || what == "tools") {
      continue;
    }
    return FoundAllowed(absl::StrCat(path, ".overridable[", i, "]"), what,
                        "model, instructions, generation or tools");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckTools(path, agent));
  return CheckGeneration(path + ".generation", agent.generation());
}

// Calls `check` for each element; refuses a name that stands twice. The names in their order.
template <class Elements, class NameOf, class Check>
absl::StatusOr<std::vector<std::string>> CheckEach(absl::string_view path,
                                                   absl::string_view name_field,
                                                   const Elements& elements, NameOf name_of,
                                                   Check check) {
  std::vector<std::string> names;
  for (int i = 0; i < elements.size(); ++i) {
    const std::string element_path = absl::StrCat(path, "[", i, "]");
    const std::string& name = name_of(elements[i]);
    PENSTOCK_RETURN_IF_ERROR(check(element_path, elements[i]));
    if (absl::c_linear_search(names, name)) {
      return FoundAllowed(absl::StrCat(element_path, ".", name_field), name,
                          absl::StrCat("a name that no other of ", path, " has"));
    }
    names.push_back(name);
  }
  return names;
}

absl::Status CheckCatalogue(const Config& config) {
  PENSTOCK_ASSIGN_OR_RETURN(
      const std::vector<std::string> providers,
      CheckEach(
          "providers", "name", config.providers(),
          [](const auto& provider) -> const std::string& { return provider.name(); },
          [](const auto& path, const auto& provider) { return CheckProvider(path, provider); }));
  PENSTOCK_ASSIGN_OR_RETURN(
      const std::vector<std::string> models,
      CheckEach(
          "models", "name", config.models(),
          [](const auto& model) -> const std::string& { return model.name(); },
          [&](const auto& path, const auto& model) {
            return ValidateModel(path, model, providers);
          }));
  PENSTOCK_RETURN_IF_ERROR(ValidateFallbacks(config));
  PENSTOCK_ASSIGN_OR_RETURN(
      const std::vector<std::string> agents,
      CheckEach(
          "agents", "id", config.agents(),
          [](const auto& agent) -> const std::string& { return agent.id(); },
          [&](const auto& path, const auto& agent) { return CheckAgent(path, agent, models); }));
  if (absl::c_linear_search(agents, "default")) return absl::OkStatus();
  return Wrong("agents", "one must have the id \"default\"; it answers in sessions that name none");
}

}  // namespace

absl::Status ValidateConfig(const Config& config) {
  PENSTOCK_RETURN_IF_ERROR(CheckProcess(config));
  PENSTOCK_RETURN_IF_ERROR(CheckEndpoints(config.endpoints()));
  PENSTOCK_RETURN_IF_ERROR(ValidateTransport(config));
  PENSTOCK_RETURN_IF_ERROR(CheckQueue(config.queue()));
  PENSTOCK_RETURN_IF_ERROR(ValidateTiers(config));
  PENSTOCK_RETURN_IF_ERROR(ValidateIdentity(config.identity()));
  return CheckCatalogue(config);
}

}  // namespace penstock::host
