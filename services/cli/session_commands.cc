#include "services/cli/session_commands.h"

#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "penstock/gateway/v1/sessions.grpc.pb.h"
#include "services/cli/connection.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/pages.h"
#include "services/cli/refusal_text.h"
#include "services/cli/turn_spec.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::cli {
namespace {

using chat::v1::Session;
using gateway::v1::Sessions;

std::vector<Flag> SessionFieldFlags() {
  return {{"--display-name", "TEXT", "what people call it"},
          {"--agent", "A", "agent of its turns"},
          LabelFlag(),
          {"--idle-ttl", "D", "how long it lives after its last turn, such as 720h"}};
}

// The fields that were given, and their names.
absl::StatusOr<Session> SessionOf(const Arguments& arguments, google::protobuf::FieldMask& given) {
  Session session;
  if (arguments.Has("--display-name")) {
    session.set_display_name(arguments.Value("--display-name"));
    given.add_paths("display_name");
  }
  if (arguments.Has("--agent")) {
    session.set_agent(AgentNameOf(arguments.Value("--agent")));
    given.add_paths("agent");
  }
  if (arguments.Has("--label")) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto labels, LabelsOf(arguments));
    session.mutable_labels()->insert(labels.begin(), labels.end());
    given.add_paths("labels");
  }
  if (arguments.Has("--idle-ttl")) {
    PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration ttl,
                              arguments.Duration("--idle-ttl", absl::ZeroDuration()));
    *session.mutable_idle_ttl() = ToProto(ttl);
    given.add_paths("idle_ttl");
  }
  return session;
}

std::string IdleText(const Session& session) {
  if (!session.has_idle_ttl()) return "";
  return DurationText(absl::ToDoubleSeconds(FromProto(session.idle_ttl())));
}

std::string SessionSheet(const Session& session) {
  const int queued = session.queued_turns();
  return Sheet({{"name", session.name()},
                {"display name", session.display_name()},
                {"agent", session.agent()},
                {"labels", LabelsText(session.labels())},
                {"turns", absl::StrCat(session.turn_count())},
                {"active turn", session.active_turn()},
                {"queued turns", queued > 0 ? absl::StrCat(queued) : ""},
                {"idle ttl", IdleText(session)},
                {"created", TimeText(session.has_create_time(), session.create_time())},
                {"updated", TimeText(session.has_update_time(), session.update_time())},
                {"expires", TimeText(session.has_expire_time(), session.expire_time())},
                {"etag", session.etag()}});
}

std::string SessionLine(const Session& session) {
  return absl::StrCat(session.name(), "  ",
                      TimeText(session.has_create_time(), session.create_time()), "  ",
                      session.turn_count(), session.turn_count() == 1 ? " turn" : " turns",
                      session.display_name().empty() ? "" : "  ", session.display_name(), "\n");
}

template <class Request>
absl::StatusOr<int> CallSessions(const Arguments& arguments,
                                 grpc::Status (Sessions::Stub::*method)(grpc::ClientContext*,
                                                                        const Request&, Session*),
                                 const Request& request, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Sessions::Stub stub(connection.channel());
  PENSTOCK_ASSIGN_OR_RETURN(const Session session, connection.Call(stub, method, request));
  console.Out(json ? JsonLine(session) : SessionSheet(session));
  return kExitOk;
}

absl::StatusOr<int> CreateSession(const Arguments& arguments, Console& console) {
  gateway::v1::CreateSessionRequest request;
  if (!arguments.words.empty()) request.set_session_id(arguments.words[0]);
  const std::string made = arguments.Has("--request-id") ? "" : NewId(SystemClock().Now());
  request.set_request_id(arguments.Value("--request-id", made));
  google::protobuf::FieldMask given;
  PENSTOCK_ASSIGN_OR_RETURN(*request.mutable_session(), SessionOf(arguments, given));
  return CallSessions(arguments, &Sessions::Stub::CreateSession, request, console);
}

absl::StatusOr<int> GetSession(const Arguments& arguments, Console& console) {
  gateway::v1::GetSessionRequest request;
  request.set_name(SessionNameOf(arguments.words[0]));
  return CallSessions(arguments, &Sessions::Stub::GetSession, request, console);
}

absl::StatusOr<int> UpdateSession(const Arguments& arguments, Console& console) {
  gateway::v1::UpdateSessionRequest request;
  PENSTOCK_ASSIGN_OR_RETURN(*request.mutable_session(),
                            SessionOf(arguments, *request.mutable_update_mask()));
  if (request.update_mask().paths().empty()) {
    return UsageError(
        "session update: nothing to change; give --display-name, --agent, --label "
        "or --idle-ttl");
  }
  request.mutable_session()->set_name(SessionNameOf(arguments.words[0]));
  request.mutable_session()->set_etag(arguments.Value("--etag"));
  return CallSessions(arguments, &Sessions::Stub::UpdateSession, request, console);
}

absl::StatusOr<int> DeleteSession(const Arguments& arguments, Console& console) {
  gateway::v1::DeleteSessionRequest request;
  request.set_name(SessionNameOf(arguments.words[0]));
  request.set_etag(arguments.Value("--etag"));
  return CallSessions(arguments, &Sessions::Stub::DeleteSession, request, console);
}

absl::StatusOr<int> ListSessions(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Sessions::Stub stub(connection.channel());
  PENSTOCK_RETURN_IF_ERROR(PrintPages(
      arguments, gateway::v1::ListSessionsRequest(),
      [&](const auto& page) { return connection.Call(stub, &Sessions::Stub::ListSessions, page); },
      [](const auto& response) -> const auto& { return response.sessions(); },
      [&](const Session& item) { return json ? JsonLine(item) : SessionLine(item); }, console));
  return kExitOk;
}

}  // namespace

std::vector<Command> SessionCommands() {
  std::vector<Flag> creates = SessionFieldFlags();
  creates.push_back({"--request-id", "ID", "makes it safe to say it again; default: a new one"});
  std::vector<Flag> updates = SessionFieldFlags();
  const Flag etag{"--etag", "E", "only while it is at this version"};
  updates.push_back(etag);
  return {{"session create",
           {"[ID]"},
           "make a session; without ID the gateway chooses one",
           creates,
           {"penstock session create boat --display-name \"About the boat\""},
           CreateSession},
          {"session get", {"NAME"}, "one session", {}, {"penstock session get boat"}, GetSession},
          {"session list",
           {},
           "sessions, newest first",
           PageFlags(),
           {"penstock session list --limit 10"},
           ListSessions},
          {"session update",
           {"NAME"},
           "change the fields that are given",
           updates,
           {"penstock session update boat --label kind=travel"},
           UpdateSession},
          {"session delete",
           {"NAME"},
           "delete a session, its turns, and cancel those that run",
           {etag},
           {"penstock session delete boat"},
           DeleteSession}};
}

}  // namespace penstock::cli
