// What must hold inside the section `identity`.
#pragma once

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"

namespace penstock::host {

// Issuers and the keys of each are unique, every issuer has a tenant and either keys or a key set
// (whose URL is https, or http of loopback), a key has what its algorithm needs and nothing else,
// secrets are base64 of at least 32 bytes. INVALID_ARGUMENT with the path; never shows a secret.
absl::Status ValidateIdentity(const config::v1::Identity& identity);

}  // namespace penstock::host
