#include "services/session_state/session_state.h"

#include <algorithm>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "libs/async/status_macros.h"
#include "libs/base/refusal.h"
#include "libs/identity/sha256.h"
#include "services/session_state/page_token.h"
#include "services/session_state/session_records.h"
#include "services/session_state/validation.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::session_state {
namespace {

using chat::v1::Session;
using chat::v1::Turn;
using session::v1::CreateSessionRequest;

// 3.3 MB of text: the answer has to fit into a message (rpc::kMaxMessageBytes).
constexpr int64_t kMaxContextTokens = 1'000'000;

// SHA-256 of what the caller asked for, so that a repeated request is recognised. Version 1: the
// request without request_id and without what only the server sets, serialized with sorted maps.
std::string BodyDigest(const CreateSessionRequest& request) {
  CreateSessionRequest body;
  body.set_session_id(request.session_id());
  body.mutable_session()->set_display_name(request.session().display_name());
  body.mutable_session()->set_agent(request.session().agent());
  *body.mutable_session()->mutable_labels() = request.session().labels();
  if (request.session().has_idle_ttl()) {
    *body.mutable_session()->mutable_idle_ttl() = request.session().idle_ttl();
  }
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    body.SerializeToCodedStream(&coded);
  }
  identity::Sha256 hash;
  hash.Update(bytes);
  const auto digest = hash.Finish();
  return absl::StrCat(
      "\x01", absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string NumbersOf(const std::vector<Turn::State>& states) { return absl::StrJoin(states, ","); }

}  // namespace

SessionState::SessionState(SessionStore& store, Clock& clock, SessionStateOptions options)
    : store_(store), clock_(clock), options_(options) {}

Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> SessionState::ResolveSession(
    UserKey user, session::v1::ResolveSessionRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::string session, ParseSessionName(request.session(), "session"));
  PENSTOCK_CO_ASSIGN_OR_RETURN(const ResolvedSession resolved,
                               co_await store_.ResolveSession(user, std::move(session)));
  session::v1::ResolveSessionResponse response;
  response.set_exists(resolved.exists);
  response.set_agent(resolved.agent);
  response.set_last_sequence(resolved.last_sequence);
  co_return response;
}

Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> SessionState::EnsureSession(
    UserKey user, session::v1::EnsureSessionRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::string session, ParseSessionName(request.session(), "session"));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckAgent(request.agent(), "agent"));
  EnsureSessionArgs args{
      .session = std::move(session), .agent = request.agent(), .now = clock_.Now()};
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool created,
                               co_await store_.EnsureSession(user, std::move(args)));
  session::v1::EnsureSessionResponse response;
  response.set_created(created);
  co_return response;
}

Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> SessionState::BeginTurn(
    UserKey user, session::v1::BeginTurnRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(TurnIds ids, ParseTurnName(request.turn(), "turn"));
  BeginTurnArgs args{.ids = std::move(ids),
                     .fence = request.fence(),
                     .accepted = std::move(*request.mutable_accepted()),
                     .max_tokens = std::min(request.context().max_tokens(), kMaxContextTokens),
                     .max_turns = request.context().max_turns(),
                     .now = clock_.Now()};
  PENSTOCK_CO_RETURN_IF_ERROR(CheckFence(args.fence));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckAccepted(args.accepted, "accepted"));
  if (args.max_turns < 0) {
    co_return FieldInvalid("context.max_turns", absl::StrCat(args.max_turns), "at least 0");
  }
  if (!args.accepted.has_create_time()) *args.accepted.mutable_create_time() = ToProto(args.now);
  co_return co_await store_.BeginTurn(user, std::move(args));
}

Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> SessionState::AppendStep(
    UserKey user, session::v1::AppendStepRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(TurnIds ids, ParseTurnName(request.turn(), "turn"));
  AppendStepArgs args{.ids = std::move(ids),
                      .fence = request.fence(),
                      .step = std::move(*request.mutable_step()),
                      .now = clock_.Now()};
  PENSTOCK_CO_RETURN_IF_ERROR(CheckFence(args.fence));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckStep(args.step));
  co_return co_await store_.AppendStep(user, std::move(args));
}

Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> SessionState::CommitTurn(
    UserKey user, session::v1::CommitTurnRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(TurnIds ids, ParseTurnName(request.turn().name(), "turn.name"));
  CommitTurnArgs args{.ids = std::move(ids),
                      .fence = request.fence(),
                      .turn = std::move(*request.mutable_turn()),
                      .with_input = request.with_input(),
                      .now = clock_.Now()};
  PENSTOCK_CO_RETURN_IF_ERROR(CheckFence(args.fence));
  if (!IsTerminal(args.turn.state())) {
    co_return FieldInvalid("turn.state", absl::StrCat(args.turn.state()),
                           "SUCCEEDED, FAILED, CANCELLED or EXPIRED");
  }
  if (args.with_input) PENSTOCK_CO_RETURN_IF_ERROR(CheckAccepted(args.turn, "turn"));
  if (!args.turn.has_end_time()) *args.turn.mutable_end_time() = ToProto(args.now);
  if (!args.turn.has_create_time()) *args.turn.mutable_create_time() = ToProto(args.now);
  co_return co_await store_.CommitTurn(user, std::move(args));
}

Awaitable<absl::StatusOr<Session>> SessionState::CreateSession(UserKey user,
                                                               CreateSessionRequest request) {
  const absl::Time now = clock_.Now();
  CreateSessionArgs args{
      .session = request.session_id().empty() ? NewId(now) : request.session_id(),
      .request_id = request.request_id(),
      .body_digest = BodyDigest(request),
      .fields = request.session(),
      .now = now};
  if (!IsValidId(args.session)) {
    co_return FieldInvalid("session_id", absl::StrCat(args.session.size(), " bytes"),
                           "[A-Za-z0-9._~-]{1,64}, but not \".\", \"..\" or \"-\"");
  }
  PENSTOCK_CO_RETURN_IF_ERROR(CheckRequestId(args.request_id));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckSessionFields(args.fields));
  co_return co_await store_.CreateSession(user, std::move(args));
}

Awaitable<absl::StatusOr<Session>> SessionState::GetSession(
    UserKey user, session::v1::GetSessionRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::string session, ParseSessionName(request.name(), "name"));
  co_return co_await store_.GetSession(user, std::move(session));
}

Awaitable<absl::StatusOr<session::v1::ListSessionsResponse>> SessionState::ListSessions(
    UserKey user, session::v1::ListSessionsRequest request) {
  const std::string scope = ListScope(user, {"sessions"});
  PageArgs args;
  PENSTOCK_CO_ASSIGN_OR_RETURN(args.page_size, PageSize(request.page_size()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(args.after, ReadPageToken(scope, request.page_token()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(SessionPage page,
                               co_await store_.ListSessions(user, std::move(args)));
  session::v1::ListSessionsResponse response;
  for (Session& session : page.sessions) *response.add_sessions() = std::move(session);
  response.set_next_page_token(MakePageToken(scope, page.next));
  co_return response;
}

Awaitable<absl::StatusOr<Session>> SessionState::UpdateSession(
    UserKey user, session::v1::UpdateSessionRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::string session,
                               ParseSessionName(request.session().name(), "session.name"));
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      SessionChanges changes,
      ChangesOf(request.session(), request.update_mask(), options_.idle_ttl));
  UpdateSessionArgs args{.session = std::move(session),
                         .etag = request.session().etag(),
                         .changes = std::move(changes),
                         .now = clock_.Now()};
  co_return co_await store_.UpdateSession(user, std::move(args));
}

Awaitable<absl::StatusOr<Session>> SessionState::DeleteSession(
    UserKey user, session::v1::DeleteSessionRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::string session, ParseSessionName(request.name(), "name"));
  DeleteSessionArgs args{.session = std::move(session), .etag = request.etag()};
  co_return co_await store_.DeleteSession(user, std::move(args));
}

Awaitable<absl::StatusOr<Turn>> SessionState::GetTurn(UserKey user,
                                                      session::v1::GetTurnRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(TurnIds ids, ParseTurnName(request.name(), "name"));
  co_return co_await store_.GetTurn(user, std::move(ids));
}

Awaitable<absl::StatusOr<session::v1::ListTurnsResponse>> SessionState::ListTurns(
    UserKey user, session::v1::ListTurnsRequest request) {
  ListTurnsArgs args;
  args.request_id = request.request_id();
  if (request.parent() != "sessions/-") {
    PENSTOCK_CO_ASSIGN_OR_RETURN(args.session, ParseSessionName(request.parent(), "parent"));
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(args.states, CheckStates(request.states()));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckRequestId(args.request_id));
  const std::string scope =
      ListScope(user, {"turns", request.parent(), NumbersOf(args.states), args.request_id});
  PENSTOCK_CO_ASSIGN_OR_RETURN(args.page.page_size, PageSize(request.page_size()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(args.page.after, ReadPageToken(scope, request.page_token()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(TurnPage page, co_await store_.ListTurns(user, std::move(args)));
  session::v1::ListTurnsResponse response;
  for (Turn& turn : page.turns) *response.add_turns() = std::move(turn);
  response.set_next_page_token(MakePageToken(scope, page.next));
  co_return response;
}

}  // namespace penstock::session_state
