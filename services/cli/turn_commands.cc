#include "services/cli/turn_commands.h"

#include <limits>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/cli/connection.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/pages.h"
#include "services/cli/show_turn.h"
#include "services/cli/turn_results.h"
#include "services/cli/turn_sheet.h"
#include "services/cli/turn_spec.h"
#include "services/cli/turn_stream.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;
using gateway::v1::Turns;

std::vector<Flag> NewTurnFlags() {
  std::vector<Flag> flags = {
      {"--session", "S", "in this session; default: a new one"},
      {"--create-session", "", "make the session if it does not exist"},
      {"--request-id", "ID", "makes it safe to say it again; default: a new one"}};
  for (Flag& flag : TurnSpecFlags()) flags.push_back(std::move(flag));
  return flags;
}

// Session, request id and spec, which RunTurn and SubmitTurn have alike.
template <class Request>
absl::StatusOr<Request> NewTurn(const Arguments& arguments) {
  Request request;
  if (arguments.Has("--session")) request.set_session(SessionNameOf(arguments.Value("--session")));
  const std::string made = arguments.Has("--request-id") ? "" : NewId(SystemClock().Now());
  request.set_request_id(arguments.Value("--request-id", made));
  PENSTOCK_ASSIGN_OR_RETURN(*request.mutable_turn(), TurnSpecOf(arguments));
  request.mutable_turn()->set_create_session(arguments.Has("--create-session"));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, TextOf(arguments.words[0]));
  PENSTOCK_RETURN_IF_ERROR(SetText(text, *request.mutable_turn()));
  return request;
}

template <class Request>
absl::StatusOr<Turn> CallTurns(const Arguments& arguments,
                               grpc::Status (Turns::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Turn*),
                               const Request& request,
                               absl::Duration patience = Connection::kUsualPatience) {
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Turns::Stub stub(connection.channel());
  return connection.Call(stub, method, request, patience);
}

absl::StatusOr<int> PrintTurn(const Turn& turn, const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  console.Out(json ? JsonLine(turn) : TurnSheet(turn));
  return kExitOk;
}

absl::StatusOr<int> RunTurn(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const auto request, NewTurn<gateway::v1::RunTurnRequest>(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Turn turn, CallTurns(arguments, &Turns::Stub::RunTurn, request,
                                                       absl::InfiniteDuration()));
  if (json) {
    console.Out(JsonLine(turn));
  } else {
    PrintOutcome(turn, AddressOf(arguments), console);
  }
  return turn.state() == Turn::SUCCEEDED ? kExitOk : kExitFailed;
}

absl::StatusOr<int> SubmitTurn(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(auto request, NewTurn<gateway::v1::SubmitTurnRequest>(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration time,
                            arguments.Duration("--turn-timeout", absl::ZeroDuration()));
  if (time > absl::ZeroDuration()) *request.mutable_timeout() = ToProto(time);
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Turn turn,
                            CallTurns(arguments, &Turns::Stub::SubmitTurn, request));
  console.Out(json ? JsonLine(turn) : turn.name() + "\n");
  return kExitOk;
}

absl::StatusOr<int> PrintEvents(Happenings& happenings, Console& console) {
  int exit_code = kExitFailed;
  while (true) {
    const Happening happening = *happenings.Take(absl::InfiniteDuration());
    if (const auto* event = std::get_if<chat::v1::TurnEvent>(&happening)) {
      console.Out(JsonLine(*event));
      if (event->finished().turn().state() == Turn::SUCCEEDED) exit_code = kExitOk;
    } else if (const auto* end = std::get_if<StreamEnded>(&happening)) {
      PENSTOCK_RETURN_IF_ERROR(end->status);
      return exit_code;
    }
  }
}

absl::StatusOr<int> WatchTurn(const Arguments& arguments, Console& console) {
  gateway::v1::WatchTurnRequest request;
  request.set_name(TurnNameOf(arguments.words[0]));
  PENSTOCK_ASSIGN_OR_RETURN(
      const int64_t after, arguments.Integer("--after", 0, 0, std::numeric_limits<int64_t>::max()));
  request.set_after_index(after);
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Happenings happenings;
  const auto stream = TurnStream::Watch(connection, request, happenings);
  if (json) return PrintEvents(happenings, console);
  const bool terminal = console.out_is_terminal();
  const StreamStyle style{terminal, terminal || arguments.Has("--verbose"), false, false,
                          connection.address()};
  return ExitCodeOf(ShowTurn(*stream, happenings, style, console));
}

absl::StatusOr<int> CancelTurn(const Arguments& arguments, Console& console) {
  gateway::v1::CancelTurnRequest request;
  request.set_name(TurnNameOf(arguments.words[0]));
  request.set_discard_output(arguments.Has("--discard-output"));
  PENSTOCK_ASSIGN_OR_RETURN(const Turn turn,
                            CallTurns(arguments, &Turns::Stub::CancelTurn, request));
  return PrintTurn(turn, arguments, console);
}

absl::StatusOr<int> GetTurn(const Arguments& arguments, Console& console) {
  gateway::v1::GetTurnRequest request;
  request.set_name(TurnNameOf(arguments.words[0]));
  PENSTOCK_ASSIGN_OR_RETURN(const Turn turn, CallTurns(arguments, &Turns::Stub::GetTurn, request));
  return PrintTurn(turn, arguments, console);
}

absl::Status AddStates(const Arguments& arguments, gateway::v1::ListTurnsRequest& request) {
  for (const std::string& given : arguments.Values("--state")) {
    Turn::State state = Turn::STATE_UNSPECIFIED;
    if (!Turn::State_Parse(absl::AsciiStrToUpper(given), &state) || state == 0) {
      return UsageError(absl::StrCat("--state: found '", given,
                                     "', expected queued, running, awaiting_tools, succeeded, "
                                     "failed, cancelled or expired"));
    }
    request.add_states(state);
  }
  return absl::OkStatus();
}

absl::StatusOr<int> ListTurns(const Arguments& arguments, Console& console) {
  gateway::v1::ListTurnsRequest request;
  request.set_parent(SessionNameOf(arguments.Value("--session", "-")));
  request.set_request_id(arguments.Value("--request-id"));
  PENSTOCK_RETURN_IF_ERROR(AddStates(arguments, request));
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Turns::Stub stub(connection.channel());
  PENSTOCK_RETURN_IF_ERROR(PrintPages(
      arguments, request,
      [&](const auto& page) { return connection.Call(stub, &Turns::Stub::ListTurns, page); },
      [](const auto& response) -> const auto& { return response.turns(); },
      [&](const Turn& turn) { return json ? JsonLine(turn) : TurnLine(turn); }, console));
  return kExitOk;
}

Command ListTurnsCommand() {
  Command list{
      "turn list",
      {},
      "turns, newest first",
      {{"--session", "S", "of this session; default: of all"},
       {"--state", "STATE",
        "only queued, running, awaiting_tools, succeeded, failed, cancelled, expired", true},
       {"--request-id", "ID", "only the turn with this one"}},
      {"penstock turn list --session boat --state failed"},
      ListTurns};
  for (Flag& flag : PageFlags()) list.flags.push_back(std::move(flag));
  return list;
}

Command SubmitTurnCommand() {
  Command submit{"turn submit",
                 {"TEXT"},
                 "submit a turn and print its name; it outlives the call",
                 NewTurnFlags(),
                 {"penstock turn submit --urgency batch \"Sum up the year.\""},
                 SubmitTurn};
  submit.flags.push_back({"--turn-timeout", "D", "how long the turn may take; default: the most"});
  return submit;
}

}  // namespace

std::vector<Command> TurnCommands() {
  return {{"turn run",
           {"TEXT"},
           "run a turn and print its answer; TEXT - reads standard input",
           NewTurnFlags(),
           {"penstock turn run \"What is the capital of Peru?\"",
            "penstock turn run --image boat.png \"What is it?\"",
            "penstock turn run --session boat - < question.txt"},
           RunTurn},
          SubmitTurnCommand(),
          {"turn watch",
           {"NAME"},
           "print a turn as it comes; Ctrl-C leaves it running",
           {{"--after", "INDEX", "events after this one; default: from the start"},
            {"--verbose", "", "a last line with model, tokens, cost and time"}},
           {"penstock turn watch boat/0198c0de-0000-7000-8000-000000000000"},
           WatchTurn},
          {"turn cancel",
           {"NAME"},
           "stop a turn; one that has ended stays as it is",
           {{"--discard-output", "", "drop the text so far"}},
           {"penstock turn cancel boat/0198c0de-0000-7000-8000-000000000000"},
           CancelTurn},
          TurnResultsCommand(),
          {"turn get",
           {"NAME"},
           "what became of a turn",
           {},
           {"penstock turn get sessions/boat/turns/0198c0de-0000-7000-8000-000000000000"},
           GetTurn},
          ListTurnsCommand()};
}

}  // namespace penstock::cli
