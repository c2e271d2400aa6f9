// What session-state refuses, in the words of the public API's table of refusals.
#pragma once

#include <cstdint>

#include "libs/base/ids.h"
#include "penstock/session/v1/session_state.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::session_state {

absl::Status SessionNotFound(absl::string_view session_id);
absl::Status TurnNotFound(const TurnIds& ids);
absl::Status SessionExists(absl::string_view session_id);
absl::Status RequestIdReused(absl::string_view request_id);
absl::Status VersionMismatch(absl::string_view session_id, int64_t version, absl::string_view etag);
absl::Status Fenced(const TurnIds& ids, const session::v1::Fence& found,
                    const session::v1::Fence& session);
absl::Status NotBegun(const TurnIds& ids);
// FIELD_INVALID: the next step of the turn is `next`.
absl::Status StepOutOfPlace(const TurnIds& ids, int32_t step, int32_t next);
// FIELD_INVALID: another step of this number is kept.
absl::Status StepDiffers(const TurnIds& ids, int32_t step);

}  // namespace penstock::session_state
