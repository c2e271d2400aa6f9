// What must hold of how a provider is reached.
#pragma once

#include <string>

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"

namespace penstock::host {

// One source of the API key, a base_url without credentials, an HTTP version that fits it, a proxy
// of a kind that is known. INVALID_ARGUMENT with the path, never with a password.
absl::Status ValidateProvider(const std::string& path, const config::v1::Provider& provider);

}  // namespace penstock::host
