#include "services/session_state/refusals.h"

#include <string>

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using absl::StatusCode;

std::string Shown(const session::v1::Fence& fence) {
  return absl::StrCat("(", fence.epoch(), ", ", fence.start(), ")");
}

}  // namespace

absl::Status SessionNotFound(absl::string_view session_id) {
  const std::string name = SessionName(session_id);
  return Refusal(StatusCode::kNotFound, "SESSION_NOT_FOUND", absl::StrCat(name, ": not found"))
      .With("name", name);
}

absl::Status TurnNotFound(const TurnIds& ids) {
  const std::string name = TurnName(ids.session, ids.turn);
  return Refusal(StatusCode::kNotFound, "TURN_NOT_FOUND", absl::StrCat(name, ": not found"))
      .With("name", name);
}

absl::Status SessionExists(absl::string_view session_id) {
  const std::string name = SessionName(session_id);
  return Refusal(StatusCode::kAlreadyExists, "SESSION_EXISTS",
                 absl::StrCat(name, ": exists already"))
      .With("name", name);
}

absl::Status RequestIdReused(absl::string_view request_id) {
  return Refusal(StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                 absl::StrCat("request_id ", request_id,
                              ": used before with another body; use a new id for a new request"))
      .With("field", "request_id")
      .With("found", request_id)
      .With("allowed", "an id that was not used with another body");
}

absl::Status VersionMismatch(absl::string_view session_id, int64_t version,
                             absl::string_view etag) {
  return Refusal(StatusCode::kAborted, "VERSION_MISMATCH",
                 absl::StrCat(SessionName(session_id), ": version ", version, ", expected ", etag,
                              "; read it again"))
      .With("version", absl::StrCat(version));
}

absl::Status Fenced(const TurnIds& ids, const session::v1::Fence& found,
                    const session::v1::Fence& session) {
  return Refusal(StatusCode::kFailedPrecondition, "FENCED",
                 absl::StrCat(TurnName(ids.session, ids.turn), ": fence ", Shown(found),
                              " is older than the session's ", Shown(session),
                              "; somebody newer owns the turn"))
      .With("epoch", absl::StrCat(session.epoch()))
      .With("start", absl::StrCat(session.start()));
}

absl::Status NotBegun(const TurnIds& ids) {
  const std::string name = TurnName(ids.session, ids.turn);
  return Refusal(StatusCode::kFailedPrecondition, "NOT_BEGUN",
                 absl::StrCat(name, ": never begun; begin it, then commit again"))
      .With("name", name);
}

absl::Status StepOutOfPlace(const TurnIds& ids, int32_t step, int32_t next) {
  return FieldInvalid("step.step", absl::StrCat(step, " of ", TurnName(ids.session, ids.turn)),
                      absl::StrCat("0 to ", next, ": no step is left out"));
}

absl::Status StepDiffers(const TurnIds& ids, int32_t step) {
  return FieldInvalid(
      "step",
      absl::StrCat("step ", step, " of ", TurnName(ids.session, ids.turn), " with another content"),
      "the step that was kept first");
}

}  // namespace penstock::session_state
