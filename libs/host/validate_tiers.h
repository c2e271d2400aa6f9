// What must hold among tiers and tenants.
#pragma once

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"

namespace penstock::host {

// Each stands once; a tier is of a class that turns can have by their tier; there is a tier for
// tokens that name none; a budget in USD can be kept, for every model has a price. INVALID_ARGUMENT
// with the path. Expects that the built-in tiers were added.
absl::Status ValidateTiers(const config::v1::Config& config);

}  // namespace penstock::host
