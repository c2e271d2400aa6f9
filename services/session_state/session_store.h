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

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/base/ids.h"
#include "libs/identity/principal.h"
#include "penstock/chat/v1/session.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/session/v1/session_state.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::session_state {

using identity::UserKey;

struct ResolvedSession {
  bool exists = false;
  std::string agent;
  // The highest sequence of a turn that was begun or ended.
  int64_t last_sequence = 0;
};

struct EnsureSessionArgs {
  std::string session;
  std::string agent;
  absl::Time now;
};

struct BeginTurnArgs {
  TurnIds ids;
  session::v1::Fence fence;
  chat::v1::Turn accepted;
  // Bounds of the history: see ContextWindow.
  int64_t max_tokens = 0;
  int32_t max_turns = 0;
  absl::Time now;
};

struct AppendStepArgs {
  TurnIds ids;
  session::v1::Fence fence;
  // Without results.
  chat::v1::Step step;
  absl::Time now;
};

struct CommitTurnArgs {
  TurnIds ids;
  session::v1::Fence fence;
  chat::v1::Turn turn;
  bool with_input = false;
  absl::Time now;
};

struct CreateSessionArgs {
  std::string session;
  // Empty: not remembered.
  std::string request_id;
  // Equal for equal requests. Says nothing about a `session` that the server chose.
  std::string body_digest;
  // display_name, agent, labels, idle_ttl.
  chat::v1::Session fields;
  absl::Time now;
};

// Absent: stays as it is.
struct SessionChanges {
  std::optional<std::string> display_name;
  std::optional<std::string> agent;
  std::optional<std::map<std::string, std::string>> labels;
  std::optional<absl::Duration> idle_ttl;
};

struct UpdateSessionArgs {
  std::string session;
  // Empty: any.
  std::string etag;
  SessionChanges changes;
  absl::Time now;
};

struct DeleteSessionArgs {
  std::string session;
  // Empty: any.
  std::string etag;
};

struct PageArgs {
  int page_size = 50;
  // A page ends before the item that would exceed this, but holds at least one.
  int64_t max_bytes = int64_t{2} << 20;
  // `next` of the page before; empty: from the start.
  std::string after;
};

struct SessionPage {
  std::vector<chat::v1::Session> sessions;
  // Empty: there is nothing more.
  std::string next;
};

struct ListTurnsArgs {
  // Absent: of all sessions.
  std::optional<std::string> session;
  // Empty: any.
  std::vector<chat::v1::Turn::State> states;
  std::string request_id;
  PageArgs page;
};

struct TurnPage {
  // A page of a selective filter may hold few turns, or none, and still have a `next`.
  std::vector<chat::v1::Turn> turns;
  std::string next;
};

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
