#include "services/cli/turn_sheet.h"

#include <vector>

#include "libs/base/refusal.h"
#include "services/cli/output.h"
#include "services/cli/refusal_text.h"
#include "services/cli/stream_view.h"
#include "services/cli/turn_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;

constexpr size_t kLineWidth = 60;

std::string ErrorText(const Turn& turn) {
  if (!turn.has_error()) return "";
  return absl::StrCat(turn.error().message(), " (", ReasonOf(FromRpcStatus(turn.error())), ")");
}

std::string QueueText(const Turn& turn) {
  return turn.has_queue() && turn.state() == Turn::QUEUED ? WaitText(turn.queue()) : "";
}

// "  <- clock, scales": what the turn waits for.
std::string CallsText(const Turn& turn) {
  std::vector<std::string> names;
  for (const auto& call : turn.pending_tool_calls()) names.push_back(call.name());
  return names.empty() ? "" : absl::StrCat("  <- ", absl::StrJoin(names, ", "));
}

std::string PendingText(const Turn& turn) {
  std::vector<std::string> calls;
  for (const auto& call : turn.pending_tool_calls()) {
    calls.push_back(absl::StrCat(call.id(), ": ", CallText(call)));
  }
  return absl::StrJoin(calls, "\n");
}

}  // namespace

std::string TurnSheet(const Turn& turn) {
  return Sheet({{"name", turn.name()},
                {"state", absl::StrCat(Turn::State_Name(turn.state()),
                                       turn.cancel_requested() ? " (cancel requested)" : "")},
                {"waits for", PendingText(turn)},
                {"queue", QueueText(turn)},
                {"created", TimeText(turn.has_create_time(), turn.create_time())},
                {"ended", TimeText(turn.has_end_time(), turn.end_time())},
                {"agent", turn.agent()},
                {"summary", SummaryOf(turn)},
                {"memories", absl::StrJoin(turn.recalled_memories(), "\n")},
                {"labels", LabelsText(turn.labels())},
                {"request id", turn.request_id()},
                {"input", InputOf(turn)},
                {turn.output_partial() ? "output so far" : "output", AnswerOf(turn)},
                {"error", ErrorText(turn)}});
}

std::string TurnLine(const Turn& turn) {
  return absl::StrCat(turn.name(), "  ", Turn::State_Name(turn.state()), "  ",
                      TimeText(turn.has_create_time(), turn.create_time()), "  ",
                      OneLine(InputOf(turn), kLineWidth), CallsText(turn), "\n");
}

// As the end of a stream that was never looked at.
void PrintOutcome(const Turn& turn, absl::string_view address, Console& console) {
  const bool terminal = console.out_is_terminal();
  StreamView view({terminal, terminal, false, false, std::string(address)});
  chat::v1::TurnEvent event;
  *event.mutable_finished()->mutable_turn() = turn;
  for (const Piece& piece : view.OnEvent(event, absl::ZeroDuration())) {
    piece.kind == Piece::Kind::kAnswer ? console.Out(piece.text) : console.Notice(piece.text);
  }
}

}  // namespace penstock::cli
