// How a provider is reached, out of its configuration.
#pragma once

#include <memory>

#include "libs/http/http_transport.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// INVALID_ARGUMENT with the path of the setting ("providers[1]" is `path`) when ca_file cannot be
// used, or max_connections leaves no room for max_streams. The configuration is otherwise checked
// (libs/host). Reads ca_file.
absl::StatusOr<std::shared_ptr<http::HttpTransport>> TransportOf(
    const config::v1::Provider& provider, absl::string_view path);

}  // namespace penstock::provider_adapter
