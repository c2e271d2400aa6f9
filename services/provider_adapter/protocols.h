// The wire protocols there are, by the name that Provider.protocol gives them.
#pragma once

#include <memory>

#include "penstock/config/v1/config.pb.h"
#include "services/provider_adapter/provider.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// With the provider's quirks. INVALID_ARGUMENT with the key's path below `path` for a protocol or a
// quirk that does not exist.
absl::StatusOr<std::unique_ptr<Protocol>> MakeProtocol(const config::v1::Provider& provider,
                                                       absl::string_view path);

}  // namespace penstock::provider_adapter
