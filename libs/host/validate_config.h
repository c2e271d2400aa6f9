// What must hold between settings, beyond the range of each.
#pragma once

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"

namespace penstock::host {

// Names are unique and well-formed, what is named exists (a model's provider, an agent's models,
// the agent "default"), keys fit their algorithm, addresses and URLs can be read, prices are sane.
// INVALID_ARGUMENT naming the first setting that is wrong:
//   agents[1].model: found "sim/ecco", allowed a model that is configured; did you mean sim/echo?
// Expects every default to be applied.
absl::Status ValidateConfig(const config::v1::Config& config);

}  // namespace penstock::host
