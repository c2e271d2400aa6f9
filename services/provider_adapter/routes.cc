#include "services/provider_adapter/routes.h"

#include <algorithm>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "services/provider_adapter/protocols.h"
#include "services/provider_adapter/provider_transport.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::provider_adapter {

void ProviderRoute::SetKey(const std::string& api_key) {
  credential.Set(std::make_shared<const Credential>(
      Credential{.api_key = api_key, .headers = protocol->Headers(api_key)}));
}

absl::StatusOr<std::unique_ptr<Routes>> Routes::Read(const config::v1::Config& config,
                                                     Environment environment) {
  auto routes = std::unique_ptr<Routes>(new Routes());
  for (int i = 0; i < config.providers_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(
        routes->AddProvider(config.providers(i), absl::StrCat("providers[", i, "]"), environment));
  }
  for (int i = 0; i < config.models_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(routes->AddModel(config.models(i), absl::StrCat("models[", i, "]")));
  }
  return routes;
}

absl::Status Routes::AddProvider(const config::v1::Provider& provider, absl::string_view path,
                                 Environment environment) {
  if (provider.name().empty() || absl::StrContains(provider.name(), '/')) {
    return FieldInvalid(absl::StrCat(path, ".name"), provider.name(), "a name without a slash");
  }
  if (FindProvider(provider.name()) != nullptr) {
    return FieldInvalid(absl::StrCat(path, ".name"), provider.name(), "each name once");
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto protocol, MakeProtocol(provider, path));
  if (!absl::StartsWith(provider.base_url(), "https://") &&
      !absl::StartsWith(provider.base_url(), "http://")) {
    return FieldInvalid(absl::StrCat(path, ".base_url"), provider.base_url(),
                        "a URL that begins with https:// or http://");
  }
  PENSTOCK_ASSIGN_OR_RETURN(const std::string api_key, ReadApiKey(provider, path, environment));
  auto route = std::make_unique<ProviderRoute>();
  PENSTOCK_ASSIGN_OR_RETURN(route->transport, TransportOf(provider, path));
  route->name = provider.name();
  route->url = protocol->Url(provider.base_url());
  route->protocol = std::move(protocol);
  route->SetKey(api_key);
  route->api_key_file = provider.api_key_file();
  route->connect_timeout = FromProto(provider.connect_timeout());
  route->first_byte_timeout = FromProto(provider.first_token_timeout());
  route->idle_timeout = FromProto(provider.idle_timeout());
  route->max_answer_bytes = provider.max_answer_bytes();
  route->max_streams = provider.max_streams();
  providers_.push_back(std::move(route));
  return absl::OkStatus();
}

absl::Status Routes::AddModel(const config::v1::Model& model, absl::string_view path) {
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<ModelRoute> lanes, LanesOf(model, path));
  if (!models_.emplace(model.name(), std::move(lanes)).second) {
    return FieldInvalid(absl::StrCat(path, ".name"), model.name(), "each name once");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ModelRoute>> Routes::LanesOf(const config::v1::Model& model,
                                                        absl::string_view path) const {
  const std::pair<absl::string_view, absl::string_view> name =
      absl::StrSplit(model.name(), absl::MaxSplits('/', 1));
  if (name.first.empty() || name.second.empty()) {
    return FieldInvalid(absl::StrCat(path, ".name"), model.name(), "\"provider/model\"");
  }
  ModelRoute route;
  route.name = model.name();
  route.wire_name = model.wire_name().empty() ? std::string(name.second) : model.wire_name();
  PENSTOCK_ASSIGN_OR_RETURN(route.terms, ReadModelTerms(model, path));
  if (model.has_price()) route.rates = pricing::ToRates(model.price());
  if (model.lanes().empty()) {
    route.provider = FindProvider(name.first);
    if (route.provider == nullptr) {
      return FieldInvalid(absl::StrCat(path, ".name"), model.name(),
                          "a provider that the configuration names");
    }
    return std::vector<ModelRoute>{std::move(route)};
  }
  std::vector<ModelRoute> lanes;
  for (int i = 0; i < model.lanes_size(); ++i) {
    const config::v1::Lane& lane = model.lanes(i);
    lanes.push_back(route);
    if (!lane.wire_name().empty()) lanes.back().wire_name = lane.wire_name();
    lanes.back().provider = FindProvider(lane.provider());
    if (lanes.back().provider == nullptr) {
      return FieldInvalid(absl::StrCat(path, ".lanes[", i, "].provider"), lane.provider(),
                          "a provider that the configuration names");
    }
  }
  return lanes;
}

ProviderRoute* Routes::FindProvider(absl::string_view name) const {
  const auto found = std::find_if(providers_.begin(), providers_.end(),
                                  [&](const auto& provider) { return provider->name == name; });
  return found == providers_.end() ? nullptr : found->get();
}

const ModelRoute* Routes::Find(absl::string_view model, absl::string_view provider) const {
  const auto found = models_.find(model);
  if (found == models_.end()) return nullptr;
  for (const ModelRoute& lane : found->second) {
    if (provider.empty() || lane.provider->name == provider) return &lane;
  }
  return nullptr;
}

}  // namespace penstock::provider_adapter
