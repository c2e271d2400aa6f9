// The lanes of a model, from the configuration.
#pragma once

#include <cstdint>
#include <memory>

#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/limits/lane_set.h"

namespace penstock::dispatcher {

// `model` as validated: its lanes, or the one of the provider before its slash. Their allowances
// begin empty at `now`.
std::unique_ptr<LaneSet> LanesOf(const config::v1::Model& model, absl::Duration now, uint32_t seed);

}  // namespace penstock::dispatcher
