#include "services/dispatcher/scaling/scaling_trigger.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::dispatcher {
namespace {

constexpr std::array<absl::string_view, 3> kOurKeys = {"component", "pool", "target"};
// KEDA hands over its own, too.
constexpr std::array<absl::string_view, 4> kKedaKeys = {"scalerAddress", "enableTLS", "unsafeSsl",
                                                        "tlsCertFile"};

absl::Status Wrong(absl::string_view key, absl::string_view found, absl::string_view allowed) {
  return FieldInvalid(absl::StrCat("scalerMetadata.", key), found, allowed);
}

std::string Quoted(absl::string_view value) {
  return value.empty() ? "nothing" : absl::StrCat("'", value, "'");
}

absl::Status CheckKeys(const externalscaler::ScaledObjectRef& object) {
  for (const auto& [key, value] : object.scalermetadata()) {
    if (absl::c_linear_search(kOurKeys, key) || absl::c_linear_search(kKedaKeys, key)) continue;
    if (absl::EndsWith(key, "FromEnv")) continue;
    return Wrong(key, "an unknown key", absl::StrJoin(kOurKeys, ", "));
  }
  return absl::OkStatus();
}

std::string ValueOf(const externalscaler::ScaledObjectRef& object, const std::string& key) {
  const auto found = object.scalermetadata().find(key);
  return found == object.scalermetadata().end() ? "" : found->second;
}

absl::StatusOr<ScalingTrigger::Component> ComponentOf(const std::string& name) {
  if (name == "provider-adapter") return ScalingTrigger::Component::kProviderAdapter;
  if (name == "gateway") return ScalingTrigger::Component::kGateway;
  return Wrong("component", Quoted(name), "provider-adapter, gateway");
}

absl::Status CheckPool(const ScalingTrigger& trigger, const Pools& pools) {
  if (trigger.pool.empty()) return absl::OkStatus();
  if (trigger.component == ScalingTrigger::Component::kGateway) {
    return Wrong("pool", Quoted(trigger.pool), "nothing: gateways serve all pools");
  }
  if (pools.contains(trigger.pool)) return absl::OkStatus();
  std::vector<std::string> names;
  for (const auto& [name, pool] : pools) names.push_back(name);
  std::sort(names.begin(), names.end());
  return Wrong("pool", Quoted(trigger.pool), absl::StrJoin(names, ", "));
}

absl::StatusOr<double> TargetOf(const std::string& text) {
  double target = 0;
  if (!absl::SimpleAtod(text, &target) || !(target > 0) || !std::isfinite(target)) {
    return Wrong("target", Quoted(text), "a number above 0: what one pod is to have");
  }
  return target;
}

}  // namespace

absl::StatusOr<ScalingTrigger> TriggerOf(const externalscaler::ScaledObjectRef& object,
                                         const Pools& pools) {
  PENSTOCK_RETURN_IF_ERROR(CheckKeys(object));
  ScalingTrigger trigger;
  PENSTOCK_ASSIGN_OR_RETURN(trigger.component, ComponentOf(ValueOf(object, "component")));
  trigger.pool = ValueOf(object, "pool");
  PENSTOCK_RETURN_IF_ERROR(CheckPool(trigger, pools));
  PENSTOCK_ASSIGN_OR_RETURN(trigger.target, TargetOf(ValueOf(object, "target")));
  return trigger;
}

}  // namespace penstock::dispatcher
