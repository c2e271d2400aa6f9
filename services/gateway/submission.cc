#include "services/gateway/submission.h"

#include <utility>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/sha256.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

// 32 hex digits; request ids of two users, or two of one user, never meet.
std::string SessionIdOf(const identity::UserKey& user, absl::string_view request_id) {
  identity::Sha256 hash;
  hash.Update("penstock session of request v1");
  hash.Update(user.bytes());
  hash.Update(request_id);
  const auto digest = hash.Finish();
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), 16));
}

}  // namespace

absl::StatusOr<Submission> MakeSubmission(const Caller& caller, std::string session,
                                          std::string request_id, chat::v1::TurnSpec turn,
                                          absl::Time deadline, absl::Time now) {
  if (deadline <= now) {
    return Refusal(absl::StatusCode::kDeadlineExceeded, "DEADLINE_IN_PAST",
                   absl::StrCat("deadline: found ", absl::FormatTime(deadline, absl::UTCTimeZone()),
                                ", which has passed; allow the turn more time"));
  }
  Submission submission;
  submission.id_made_here = request_id.empty();
  if (session.empty()) {
    session = SessionName(request_id.empty() ? NewId(now)
                                             : SessionIdOf(caller.principal.key, request_id));
    turn.set_create_session(true);
  }
  if (request_id.empty()) request_id = NewId(now);
  submission.request.set_session(std::move(session));
  submission.request.set_request_id(std::move(request_id));
  *submission.request.mutable_turn() = std::move(turn);
  *submission.request.mutable_deadline() = ToProto(deadline);
  return submission;
}

}  // namespace penstock::gateway
