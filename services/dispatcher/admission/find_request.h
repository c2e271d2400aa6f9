// What a request id stands for already.
#pragma once

#include <optional>
#include <string>

#include "libs/async/awaitable.h"
#include "services/dispatcher/queue/journal.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// None for an id that is new. INVALID_ARGUMENT (REQUEST_ID_REUSED) when it belongs to a request
// with another digest.
Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> FindRequest(Journal& journal,
                                                                       identity::UserKey user,
                                                                       std::string request_id,
                                                                       std::string digest,
                                                                       absl::Time now);

}  // namespace penstock::dispatcher
