#include "libs/host/validate_models.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/host/did_you_mean.h"
#include "libs/host/found_allowed.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_join.h"

namespace penstock::host {
namespace {

using config::v1::Config;

// In USD per million tokens: no model costs a dollar a token.
constexpr double kMaxPrice = 1e6;
constexpr int kMaxLanes = 64;

absl::Status CheckPrice(const std::string& path, const config::v1::Price& price) {
  const std::pair<absl::string_view, double> parts[] = {{"input", price.input()},
                                                        {"output", price.output()},
                                                        {"cache_read", price.cache_read()},
                                                        {"cache_write", price.cache_write()}};
  for (const auto& [part, usd] : parts) {
    if (usd <= kMaxPrice) continue;
    return FoundAllowed(absl::StrCat(path, ".", part), absl::StrCat(usd),
                        "at most 1000000; prices are in USD per million tokens");
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const std::string& path, const config::v1::Limits& limits) {
  if (!absl::c_linear_search(std::array{"ADMISSION", "GENERATED"}, limits.output_counted())) {
    return FoundAllowed(path + ".output_counted", limits.output_counted(),
                        "ADMISSION or GENERATED");
  }
  if (!absl::c_linear_search(std::array{"REFILLED", "SLIDING", "FIXED"}, limits.renewal())) {
    return FoundAllowed(path + ".renewal", limits.renewal(), "REFILLED, SLIDING or FIXED");
  }
  return absl::OkStatus();
}

absl::Status CheckBreaker(const std::string& path, const config::v1::Breaker& breaker) {
  const absl::Duration open = FromProto(breaker.open());
  const absl::Duration max_open = FromProto(breaker.max_open());
  if (open <= max_open) return absl::OkStatus();
  return FoundAllowed(path + ".open", absl::FormatDuration(open),
                      absl::StrCat("at most max_open, which is ", absl::FormatDuration(max_open)));
}

absl::Status CheckLanes(const std::string& path, const config::v1::Model& model,
                        const std::vector<std::string>& providers) {
  if (model.lanes_size() > kMaxLanes) {
    return FoundAllowed(path + ".lanes", absl::StrCat(model.lanes_size(), " lanes"),
                        absl::StrCat("at most ", kMaxLanes));
  }
  std::vector<std::string> seen;
  for (int i = 0; i < model.lanes_size(); ++i) {
    const std::string lane_path = absl::StrCat(path, ".lanes[", i, "]");
    const config::v1::Lane& lane = model.lanes(i);
    if (!absl::c_linear_search(providers, lane.provider())) {
      return FoundAllowed(
          lane_path + ".provider", lane.provider(),
          absl::StrCat("a provider that is configured", DidYouMean(lane.provider(), providers)));
    }
    if (absl::c_linear_search(seen, lane.provider())) {
      return FoundAllowed(lane_path + ".provider", lane.provider(),
                          "a provider that no other lane of the model has");
    }
    seen.push_back(lane.provider());
    if (lane.has_limits()) {
      PENSTOCK_RETURN_IF_ERROR(CheckLimits(lane_path + ".limits", lane.limits()));
    }
  }
  return absl::OkStatus();
}

// The kinds that a fallback may list.
constexpr std::array kFallbackKinds = {
    chat::v1::PROVIDER_RATE_LIMITED, chat::v1::PROVIDER_OVERLOADED, chat::v1::PROVIDER_TIMEOUT,
    chat::v1::PROVIDER_INTERNAL,     chat::v1::PROVIDER_AUTH,       chat::v1::PROVIDER_QUOTA,
    chat::v1::PROVIDER_UNREACHABLE,  chat::v1::STREAM_TRUNCATED,    chat::v1::MALFORMED_RESPONSE,
    chat::v1::CONTEXT_WINDOW,        chat::v1::CONTENT_POLICY,      chat::v1::INVALID_REQUEST,
    chat::v1::IMPOSSIBLE_COST};

absl::Status CheckKind(const std::string& path, const std::string& found,
                       const config::v1::Model& from, const config::v1::Model& to) {
  std::vector<std::string> kinds;
  for (const chat::v1::ErrorKind kind : kFallbackKinds) {
    kinds.push_back(chat::v1::ErrorKind_Name(kind));
  }
  if (!absl::c_linear_search(kinds, found)) {
    return FoundAllowed(path, found, absl::StrJoin(kinds, ", "));
  }
  if (found == chat::v1::ErrorKind_Name(chat::v1::CONTEXT_WINDOW) &&
      to.context_window_tokens() <= from.context_window_tokens()) {
    return FoundAllowed(
        path, found,
        absl::StrCat("for a model with a larger window than ", from.context_window_tokens(),
                     " tokens; ", to.name(), " has ", to.context_window_tokens()));
  }
  return absl::OkStatus();
}

absl::Status CheckFallbacks(const std::string& path, const config::v1::Model& model,
                            const Config& config) {
  std::vector<std::string> models;
  for (const auto& known : config.models()) {
    if (known.name() != model.name()) models.push_back(known.name());
  }
  std::vector<std::string> seen;
  for (int i = 0; i < model.fallbacks_size(); ++i) {
    const config::v1::Fallback& fallback = model.fallbacks(i);
    const std::string fallback_path = absl::StrCat(path, ".fallbacks[", i, "]");
    const auto to = absl::c_find_if(
        config.models(), [&](const auto& known) { return known.name() == fallback.model(); });
    if (!absl::c_linear_search(models, fallback.model())) {
      return FoundAllowed(
          fallback_path + ".model", fallback.model(),
          absl::StrCat("another model that is configured", DidYouMean(fallback.model(), models)));
    }
    if (absl::c_linear_search(seen, fallback.model())) {
      return FoundAllowed(fallback_path + ".model", fallback.model(),
                          "a model that no other fallback of the model has");
    }
    seen.push_back(fallback.model());
    for (int k = 0; k < fallback.on_size(); ++k) {
      PENSTOCK_RETURN_IF_ERROR(
          CheckKind(absl::StrCat(fallback_path, ".on[", k, "]"), fallback.on(k), model, *to));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateModel(const std::string& path, const config::v1::Model& model,
                           const std::vector<std::string>& providers) {
  const size_t slash = model.name().find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == model.name().size()) {
    return FoundAllowed(path + ".name", model.name(), "provider/model");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckLanes(path, model, providers));
  const std::string provider = model.name().substr(0, slash);
  if (model.lanes().empty() && !absl::c_linear_search(providers, provider)) {
    return FoundAllowed(
        path + ".name", model.name(),
        absl::StrCat("a model of a provider that is configured", DidYouMean(provider, providers)));
  }
  if (model.max_output_tokens() >= model.context_window_tokens()) {
    return FoundAllowed(
        path + ".max_output_tokens", absl::StrCat(model.max_output_tokens()),
        absl::StrCat("less than context_window_tokens, which is ", model.context_window_tokens()));
  }
  if (model.has_limits()) {
    PENSTOCK_RETURN_IF_ERROR(CheckLimits(path + ".limits", model.limits()));
  }
  PENSTOCK_RETURN_IF_ERROR(CheckBreaker(path + ".breaker", model.breaker()));
  return CheckPrice(path + ".price", model.price());
}

absl::Status ValidateFallbacks(const Config& config) {
  for (int i = 0; i < config.models_size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(
        CheckFallbacks(absl::StrCat("models[", i, "]"), config.models(i), config));
  }
  return absl::OkStatus();
}

}  // namespace penstock::host
