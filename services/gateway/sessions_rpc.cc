#include "services/gateway/sessions_rpc.h"

#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/refusal.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {
namespace {

using chat::v1::Session;
using chat::v1::Turn;

// "sessions/s1" of "sessions/s1/turns/t1".
absl::string_view SessionOf(absl::string_view turn) { return turn.substr(0, turn.find("/turns/")); }

void AddLiveTurn(const Turn& turn, Session& session) {
  if (turn.state() == Turn::RUNNING || turn.state() == Turn::AWAITING_TOOLS) {
    session.set_active_turn(turn.name());
  }
  if (turn.state() == Turn::QUEUED) session.set_queued_turns(session.queued_turns() + 1);
  // session-state counts a turn when it begins.
  session.set_turn_count(std::max(session.turn_count(), turn.sequence()));
}

}  // namespace

SessionsRpc::SessionsRpc(const InputGuard& guard, Downstream& downstream)
    : guard_(guard), downstream_(downstream) {}

Awaitable<absl::StatusOr<Session>> SessionsRpc::CreateSession(const Caller& caller,
                                                              v1::CreateSessionRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  session::v1::CreateSessionRequest create;
  create.set_session_id(request.session_id());
  create.set_request_id(request.request_id());
  *create.mutable_session() = std::move(*request.mutable_session());
  co_return co_await downstream_.CreateSession(caller, std::move(create));
}

Awaitable<absl::StatusOr<Session>> SessionsRpc::GetSession(const Caller& caller,
                                                           v1::GetSessionRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  session::v1::GetSessionRequest get;
  get.set_name(request.name());
  PENSTOCK_CO_ASSIGN_OR_RETURN(Session session,
                               co_await downstream_.GetSession(caller, std::move(get)));
  PENSTOCK_CO_RETURN_IF_ERROR(co_await AddLiveTurns(caller, request.name(), {&session}));
  co_return session;
}

Awaitable<absl::StatusOr<v1::ListSessionsResponse>> SessionsRpc::ListSessions(
    const Caller& caller, v1::ListSessionsRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  session::v1::ListSessionsRequest list;
  list.set_page_size(request.page_size());
  list.set_page_token(request.page_token());
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto page,
                               co_await downstream_.ListSessions(caller, std::move(list)));
  v1::ListSessionsResponse response;
  *response.mutable_sessions() = std::move(*page.mutable_sessions());
  response.set_next_page_token(page.next_page_token());
  std::vector<Session*> sessions(response.mutable_sessions()->pointer_begin(),
                                 response.mutable_sessions()->pointer_end());
  PENSTOCK_CO_RETURN_IF_ERROR(co_await AddLiveTurns(caller, "sessions/-", std::move(sessions)));
  co_return response;
}

Awaitable<absl::StatusOr<Session>> SessionsRpc::UpdateSession(const Caller& caller,
                                                              v1::UpdateSessionRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  const std::string name = request.session().name();
  session::v1::UpdateSessionRequest update;
  *update.mutable_session() = std::move(*request.mutable_session());
  *update.mutable_update_mask() = std::move(*request.mutable_update_mask());
  PENSTOCK_CO_ASSIGN_OR_RETURN(Session session,
                               co_await downstream_.UpdateSession(caller, std::move(update)));
  dispatcher::v1::ForgetSessionRequest forget;
  forget.set_session(name);
  PENSTOCK_CO_RETURN_IF_ERROR(
      (co_await downstream_.ForgetSession(caller, std::move(forget))).status());
  PENSTOCK_CO_RETURN_IF_ERROR(co_await AddLiveTurns(caller, name, {&session}));
  co_return session;
}

Awaitable<absl::StatusOr<Session>> SessionsRpc::DeleteSession(const Caller& caller,
                                                              v1::DeleteSessionRequest request) {
  PENSTOCK_CO_RETURN_IF_ERROR(guard_.Check(request));
  if (!request.etag().empty()) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await CheckVersion(caller, request.name(), request.etag()));
  }
  PENSTOCK_CO_RETURN_IF_ERROR(co_await CancelTurns(caller, request.name()));
  session::v1::DeleteSessionRequest remove;
  remove.set_name(request.name());
  remove.set_etag(request.etag());
  PENSTOCK_CO_ASSIGN_OR_RETURN(Session session,
                               co_await downstream_.DeleteSession(caller, std::move(remove)));
  PENSTOCK_CO_RETURN_IF_ERROR(co_await CancelTurns(caller, request.name()));
  co_return session;
}

Awaitable<absl::Status> SessionsRpc::AddLiveTurns(const Caller& caller, std::string parent,
                                                  std::vector<Session*> sessions) {
  if (sessions.empty()) co_return absl::OkStatus();
  dispatcher::v1::ListLiveTurnsRequest list;
  list.set_parent(std::move(parent));
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto live,
                               co_await downstream_.ListLiveTurns(caller, std::move(list)));
  absl::flat_hash_map<absl::string_view, Session*> by_name;
  for (Session* session : sessions) by_name[session->name()] = session;
  for (const Turn& turn : live.turns()) {
    const auto found = by_name.find(SessionOf(turn.name()));
    if (found != by_name.end()) AddLiveTurn(turn, *found->second);
  }
  co_return absl::OkStatus();
}

Awaitable<absl::Status> SessionsRpc::CheckVersion(const Caller& caller, std::string name,
                                                  std::string etag) {
  session::v1::GetSessionRequest get;
  get.set_name(name);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const Session session,
                               co_await downstream_.GetSession(caller, std::move(get)));
  if (session.etag() == etag) co_return absl::OkStatus();
  co_return Refusal(
      absl::StatusCode::kAborted, "VERSION_MISMATCH",
      absl::StrCat(name, ": version ", session.etag(), ", expected ", etag, "; read it again"))
      .With("version", session.etag());
}

Awaitable<absl::Status> SessionsRpc::CancelTurns(const Caller& caller, std::string session) {
  dispatcher::v1::CancelSessionRequest cancel;
  cancel.set_session(std::move(session));
  co_return (co_await downstream_.CancelSession(caller, std::move(cancel))).status();
}

}  // namespace penstock::gateway
