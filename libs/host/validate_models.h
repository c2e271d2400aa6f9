// What must hold inside the section `models`.
#pragma once

#include <string>
#include <vector>

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"

namespace penstock::host {

// The name is "provider/model", its provider or those of its lanes are among `providers`, each lane
// once; limits, price and breaker are sane. INVALID_ARGUMENT with the path.
absl::Status ValidateModel(const std::string& path, const config::v1::Model& model,
                           const std::vector<std::string>& providers);

// The fallbacks of every model are other models of the configuration, each once, for kinds of error
// that another model may do better; CONTEXT_WINDOW needs a larger window.
absl::Status ValidateFallbacks(const config::v1::Config& config);

}  // namespace penstock::host
