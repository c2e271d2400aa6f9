// The tiers that a token may name.
#pragma once

#include <string>
#include <vector>

#include "penstock/config/v1/config.pb.h"

namespace penstock::host {

// Gives a configuration without tiers the built-in ones: free (20 turns an hour, class FREE), paid
// (200, PAID), unlimited (PAID).
void AddBuiltInTiers(config::v1::Config& config);

// In the order of the configuration.
std::vector<std::string> TierNames(const config::v1::Config& config);

}  // namespace penstock::host
