// What a process says of itself on its admin port.
#pragma once

#include <string>

#include "libs/host/endpoint.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::cli {

struct Readiness {
  bool ready = false;
  // The body of the answer, JSON that names each service that is not ready, and why.
  std::string reasons;
};

// GET /readyz, once; blocks for at most `patience`, resolving a name not counted. UNAVAILABLE when
// nothing answers there, DEADLINE_EXCEEDED when it takes too long, INTERNAL when what answers is no
// admin port.
absl::StatusOr<Readiness> AskReadiness(const host::Endpoint& admin, absl::Duration patience);

}  // namespace penstock::cli
