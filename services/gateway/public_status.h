// What of another service's error a caller may see.
#pragma once

#include "libs/obs/trace.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

// The call broke on the way, so that nobody knows whether the service has acted on it: it was not
// reached, it died, or the connection did.
bool IsBroken(const absl::Status& status);

// The same request may go to a dispatcher that comes back, or to its successor: the call broke, or
// was refused because the dispatcher is stopping.
bool IsForSuccessor(const absl::Status& status);

// UNAVAILABLE (STORE_UNAVAILABLE, RetryInfo): `service` cannot be reached.
absl::Status Unreachable(absl::string_view service);

// The same of a turn that may have been accepted, although its caller does not know the request_id
// that the gateway has made: metadata request_id has it.
absl::Status UnknownFate(absl::string_view request_id);

// A refusal of the public table goes through as it is. A broken call, a call that took too long and
// a busy store are Unreachable. Everything else (grants, fences, what has no reason) is a fault of
// ours: INTERNAL with the trace id; the log has the rest under it.
absl::Status PublicStatus(const absl::Status& status, absl::string_view service,
                          const obs::TraceContext& trace);

}  // namespace penstock::gateway
