// What the RPCs of Sessions do.
#pragma once

#include <vector>

#include "services/gateway/downstream.h"
#include "services/gateway/input_guard.h"

#include "absl/status/statusor.h"

namespace penstock::gateway {

// Sessions as session-state has them, with what the dispatcher knows of their live turns. Thread-
// safe. The arguments outlive it; `caller` outlives the call that it makes.
class SessionsRpc {
 public:
  SessionsRpc(const InputGuard& guard, Downstream& downstream);

  Awaitable<absl::StatusOr<chat::v1::Session>> CreateSession(const Caller& caller,
                                                             v1::CreateSessionRequest request);
  Awaitable<absl::StatusOr<chat::v1::Session>> GetSession(const Caller& caller,
                                                          v1::GetSessionRequest request);
  Awaitable<absl::StatusOr<v1::ListSessionsResponse>> ListSessions(const Caller& caller,
                                                                   v1::ListSessionsRequest request);
  // The dispatcher forgets what it has cached of the session before this is answered.
  Awaitable<absl::StatusOr<chat::v1::Session>> UpdateSession(const Caller& caller,
                                                             v1::UpdateSessionRequest request);
  // Live turns are cancelled before and after: one may have slipped in between. When this is
  // answered with UNAVAILABLE the session may be gone; repeat it.
  Awaitable<absl::StatusOr<chat::v1::Session>> DeleteSession(const Caller& caller,
                                                             v1::DeleteSessionRequest request);

 private:
  // active_turn, queued_turns and turn_count of each; `parent` holds all of them.
  Awaitable<absl::Status> AddLiveTurns(const Caller& caller, std::string parent,
                                       std::vector<chat::v1::Session*> sessions);
  // VERSION_MISMATCH, before a turn is cancelled for nothing.
  Awaitable<absl::Status> CheckVersion(const Caller& caller, std::string name, std::string etag);
  Awaitable<absl::Status> CancelTurns(const Caller& caller, std::string session);

  const InputGuard& guard_;
  Downstream& downstream_;
};

}  // namespace penstock::gateway
