// What must hold inside the sections `tls` and `server`.
#pragma once

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"

namespace penstock::host {

// tls: certificate, key and authorities are given together, and nothing of tls without them; names
// are DNS names or URIs, and only those of callers have "*." at their front. server: peers may ping
// as often as our own services do. INVALID_ARGUMENT with the path. The files are read at the start
// of a service.
absl::Status ValidateTransport(const config::v1::Config& config);

}  // namespace penstock::host
