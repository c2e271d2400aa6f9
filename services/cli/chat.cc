#include "services/cli/chat.h"

#include <string>
#include <utility>

#include <unistd.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/status_macros.h"
#include "services/cli/connection.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupts.h"
#include "services/cli/line_reader.h"
#include "services/cli/local_tools.h"
#include "services/cli/refusal_text.h"
#include "services/cli/show_turn.h"
#include "services/cli/turn_spec.h"
#include "services/cli/turn_stream.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::cli {
namespace {

constexpr absl::string_view kHelp =
    "/new       begin a new session\n"
    "/session   name of this session\n"
    "/help      this\n"
    "/quit      leave; so do Ctrl-D and Ctrl-C\n"
    "Ctrl-C during an answer cancels it. To say something that begins with a slash, begin with a "
    "space.\n";

std::string NewSession() { return SessionName(NewId(SystemClock().Now())); }

class Chat {
 public:
  Chat(Connection connection, chat::v1::TurnSpec spec, LocalTools tools, StreamStyle style,
       Console& console)
      : connection_(std::move(connection)),
        spec_(std::move(spec)),
        tools_(std::move(tools)),
        style_(std::move(style)),
        console_(console) {
    spec_.set_create_session(true);
    for (const LocalTool& tool : tools_.tools) {
      *spec_.mutable_overrides()->add_tools() = tool.declared;
    }
  }

  absl::StatusOr<int> SayAll(const std::vector<std::string>& messages,
                             const Interrupts& interrupts) {
    for (const std::string& message : messages) {
      PENSTOCK_ASSIGN_OR_RETURN(const TurnOutcome outcome, Say(message, interrupts));
      if (outcome != TurnOutcome::kSucceeded) return ExitCodeOf(outcome);
    }
    return kExitOk;
  }

  absl::StatusOr<int> SayLines(const Interrupts& interrupts) {
    LineReader lines(STDIN_FILENO, interrupts);
    std::string line;
    while (true) {
      const auto read = lines.Next(line);
      if (read == LineReader::Outcome::kInterrupted) return kExitInterrupted;
      if (read == LineReader::Outcome::kEnd) return kExitOk;
      if (absl::StripAsciiWhitespace(line).empty()) continue;
      PENSTOCK_ASSIGN_OR_RETURN(const TurnOutcome outcome, Say(line, interrupts));
      if (outcome != TurnOutcome::kSucceeded) return ExitCodeOf(outcome);
    }
  }

  int Talk(const Interrupts& interrupts) {
    LineReader lines(STDIN_FILENO, interrupts);
    std::string line;
    while (true) {
      console_.Out("you> ");
      const auto read = lines.Next(line);
      if (read != LineReader::Outcome::kLine) console_.Out("\n");
      if (read == LineReader::Outcome::kInterrupted) return kExitInterrupted;
      if (read == LineReader::Outcome::kEnd) return kExitOk;
      const absl::string_view typed = absl::StripTrailingAsciiWhitespace(line);
      if (typed == "/quit") return kExitOk;
      if (typed.empty() || Obey(typed)) continue;
      const auto outcome = Say(line, interrupts);
      if (!outcome.ok()) console_.Error(RefusalText(outcome.status(), connection_.address()));
      if (outcome.ok() && *outcome == TurnOutcome::kLeft) return kExitInterrupted;
    }
  }

  void Begin(std::string session) { session_ = std::move(session); }

  void Announce() {
    const absl::string_view id = absl::StripPrefix(session_, "sessions/");
    console_.Notice(
        absl::StrCat("session ", id, "; come back with: penstock chat --session ", id, "\n"));
  }

 private:
  // Whether it was for us, and not for the assistant.
  bool Obey(absl::string_view typed) {
    if (!absl::StartsWith(typed, "/")) return false;
    if (typed == "/new") Begin(NewSession());
    if (typed == "/new" || typed == "/session") {
      Announce();
    } else {
      if (typed != "/help") console_.Notice(absl::StrCat("unknown command ", typed, "\n"));
      console_.Notice(kHelp);
    }
    return true;
  }

  absl::StatusOr<TurnOutcome> Say(absl::string_view text, const Interrupts& interrupts) {
    PENSTOCK_RETURN_IF_ERROR(SetText(text, spec_));
    gateway::v1::StreamTurnRequest request;
    request.set_session(session_);
    request.set_request_id(NewId(SystemClock().Now()));
    *request.mutable_turn() = spec_;
    // Images go along with what is said first; from then on they are history.
    spec_.clear_input();
    Happenings happenings;
    const auto stream = TurnStream::Run(connection_, request, happenings);
    const InterruptWatch watch(interrupts, [&happenings] { happenings.Put(Interrupted{}); });
    ToolRunner runner(tools_, happenings);
    return ShowTurn(*stream, happenings, style_, console_,
                    tools_.tools.empty() ? nullptr : &runner);
  }

  const Connection connection_;
  chat::v1::TurnSpec spec_;
  const LocalTools tools_;
  const StreamStyle style_;
  Console& console_;
  std::string session_;
};

StreamStyle StyleOf(const Arguments& arguments, const Console& console) {
  const bool quiet = arguments.Has("--quiet");
  const bool summary = console.out_is_terminal() || arguments.Has("--verbose");
  return {console.out_is_terminal(), summary && !quiet, quiet, arguments.Has("--tool"),
          AddressOf(arguments)};
}

}  // namespace

absl::StatusOr<int> RunChat(const Arguments& arguments, Console& console) {
  // Before gRPC starts its threads, which take over what is blocked.
  const Interrupts interrupts;
  PENSTOCK_ASSIGN_OR_RETURN(Connection connection, Connection::Open(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(chat::v1::TurnSpec spec, TurnSpecOf(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(
      LocalTools tools,
      LocalToolsOf(arguments, console.in_is_terminal() && console.out_is_terminal()));
  const bool given = arguments.Has("--session");
  const bool talks =
      !arguments.Has("--message") && console.in_is_terminal() && console.out_is_terminal();
  Chat chat(std::move(connection), std::move(spec), std::move(tools), StyleOf(arguments, console),
            console);
  chat.Begin(given ? SessionNameOf(arguments.Value("--session")) : NewSession());
  if (!arguments.Has("--quiet") && (talks || !given)) chat.Announce();
  if (arguments.Has("--message")) return chat.SayAll(arguments.Values("--message"), interrupts);
  if (!talks) return chat.SayLines(interrupts);
  if (!arguments.Has("--quiet")) console.Notice("/help says what else can be typed\n");
  return chat.Talk(interrupts);
}

}  // namespace penstock::cli
