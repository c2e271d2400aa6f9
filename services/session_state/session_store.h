// Sessions and their turns, stored. The one place where a turn ends.
//
// Each operation is one atomic change, or none. Operations on one session take effect one after the
// other; what an operation has answered, every later one sees, also after a restart where the
// operation says "durable". Others may be lost with the machine; their callers repeat them.
//
// A session may be made by anybody who names it; another user's is exactly as absent as one that
// nobody has made. Errors beside those named: kResourceExhausted (STORE_BUSY), kUnavailable
// (STORE_UNAVAILABLE), kDataLoss. Every backend passes session_store_conformance.h.
#pragma once

#include <string>

#include "libs/async/awaitable.h"
#include "libs/identity/principal.h"
#include "services/session_state/session_store_args.h"

#include "absl/status/statusor.h"

namespace penstock::session_state {

using identity::UserKey;

// Thread-safe. Must outlive every operation.
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  virtual Awaitable<absl::StatusOr<ResolvedSession>> ResolveSession(UserKey user,
                                                                    std::string session) = 0;
  // Makes the session unless it exists; true if it did. Not durable.
  virtual Awaitable<absl::StatusOr<bool>> EnsureSession(UserKey user, EnsureSessionArgs args) = 0;

  // Starts a turn, or starts it again. In this order: the turn has ended: its outcome, whatever the
  // fence. The session has seen a newer fence: kFailedPrecondition (FENCED). Else the session keeps
  // the fence, the input is stored unless it is already, and the history before the turn is
  // answered. Makes a missing session. Not durable.
  virtual Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(
      UserKey user, BeginTurnArgs args) = 0;

  // Keeps a step of a begun turn. In this order: the turn has ended: its outcome. Older fence:
  // FENCED. Never begun: NOT_BEGUN. A step of this number is kept: OK when it is the same, else
  // kInvalidArgument (FIELD_INVALID), as for a step that leaves a gap. BeginTurn answers the steps,
  // CommitTurn and DeleteSession remove them. Durable.
  virtual Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      UserKey user, AppendStepArgs args) = 0;

  // Ends a turn, once. In this order: it has ended: the stored outcome and already_committed. Older
  // fence: FENCED. Never begun: kFailedPrecondition (NOT_BEGUN), unless args.with_input and the
  // outcome is not SUCCEEDED: for that only the epoch is compared, and the fence is not raised.
  // The input is that of BeginTurn. Durable.
  virtual Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      UserKey user, CommitTurnArgs args) = 0;

  // kAlreadyExists (SESSION_EXISTS). The same request_id and digest answers the session that the
  // first one made, or kNotFound if it was deleted since; another digest: kInvalidArgument
  // (REQUEST_ID_REUSED). Durable.
  virtual Awaitable<absl::StatusOr<chat::v1::Session>> CreateSession(UserKey user,
                                                                     CreateSessionArgs args) = 0;
  // kNotFound (SESSION_NOT_FOUND).
  virtual Awaitable<absl::StatusOr<chat::v1::Session>> GetSession(UserKey user,
                                                                  std::string session) = 0;
  // Newest first, by creation. A session that exists all the while is listed once.
  virtual Awaitable<absl::StatusOr<SessionPage>> ListSessions(UserKey user, PageArgs page) = 0;
  // kNotFound; kAborted (VERSION_MISMATCH, metadata `version`) when the etag is not current.
  // Durable.
  virtual Awaitable<absl::StatusOr<chat::v1::Session>> UpdateSession(UserKey user,
                                                                     UpdateSessionArgs args) = 0;
  // Removes the session and its turns; answers it as it was. Errors as UpdateSession. Durable.
  virtual Awaitable<absl::StatusOr<chat::v1::Session>> DeleteSession(UserKey user,
                                                                     DeleteSessionArgs args) = 0;

  // An ended turn. kNotFound (TURN_NOT_FOUND), also while it has only begun.
  virtual Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(UserKey user, TurnIds ids) = 0;
  // Ended turns, newest first: of one session by sequence (kNotFound when there is none), of all by
  // creation. A turn that had ended before the first page is listed once.
  virtual Awaitable<absl::StatusOr<TurnPage>> ListTurns(UserKey user, ListTurnsArgs args) = 0;

  // Removes up to `limit` sessions and remembered creates whose time has come by `now`; answers how
  // many were due. Fewer than `limit`: that was all.
  virtual Awaitable<absl::StatusOr<int>> Sweep(absl::Time now, int limit) = 0;
};

}  // namespace penstock::session_state
