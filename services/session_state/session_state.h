// Session-state without gRPC: checks a request, gives it ids, time and page tokens, asks the store.
#pragma once

#include "libs/async/awaitable.h"
#include "libs/base/clock.h"
#include "libs/identity/principal.h"
#include "penstock/session/v1/session_state.pb.h"
#include "services/session_state/session_store.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::session_state {

struct SessionStateOptions {
  // What an update that clears idle_ttl falls back to.
  absl::Duration idle_ttl = absl::Hours(720);
};

// Thread-safe. Semantics of each method: protos/penstock/session/v1/session_state.proto and
// SessionStore; beside its errors FIELD_INVALID for a malformed request.
class SessionState {
 public:
  // Both must outlive it.
  SessionState(SessionStore& store, Clock& clock, SessionStateOptions options);

  Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> ResolveSession(
      UserKey user, session::v1::ResolveSessionRequest request);
  Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> EnsureSession(
      UserKey user, session::v1::EnsureSessionRequest request);
  Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(
      UserKey user, session::v1::BeginTurnRequest request);
  Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      UserKey user, session::v1::AppendStepRequest request);
  Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      UserKey user, session::v1::CommitTurnRequest request);

  Awaitable<absl::StatusOr<chat::v1::Session>> CreateSession(
      UserKey user, session::v1::CreateSessionRequest request);
  Awaitable<absl::StatusOr<chat::v1::Session>> GetSession(UserKey user,
                                                          session::v1::GetSessionRequest request);
  Awaitable<absl::StatusOr<session::v1::ListSessionsResponse>> ListSessions(
      UserKey user, session::v1::ListSessionsRequest request);
  Awaitable<absl::StatusOr<chat::v1::Session>> UpdateSession(
      UserKey user, session::v1::UpdateSessionRequest request);
  Awaitable<absl::StatusOr<chat::v1::Session>> DeleteSession(
      UserKey user, session::v1::DeleteSessionRequest request);

  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(UserKey user,
                                                    session::v1::GetTurnRequest request);
  Awaitable<absl::StatusOr<session::v1::ListTurnsResponse>> ListTurns(
      UserKey user, session::v1::ListTurnsRequest request);

 private:
  SessionStore& store_;
  Clock& clock_;
  const SessionStateOptions options_;
};

}  // namespace penstock::session_state
