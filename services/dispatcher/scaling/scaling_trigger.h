// What the trigger of a ScaledObject asks for.
#pragma once

#include <string>

#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/statusor.h"
#include "externalscaler/externalscaler.pb.h"

namespace penstock::dispatcher {

struct ScalingTrigger {
  enum class Component { kProviderAdapter, kGateway };

  Component component = Component::kProviderAdapter;
  // Empty: all.
  std::string pool;
  // For one pod; above 0.
  double target = 0;
};

// Of the trigger's metadata, as protos/externalscaler says. INVALID_ARGUMENT (FIELD_INVALID) names
// the key, what was found and what is allowed.
absl::StatusOr<ScalingTrigger> TriggerOf(const externalscaler::ScaledObjectRef& object,
                                         const Pools& pools);

}  // namespace penstock::dispatcher
