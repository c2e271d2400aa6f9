#include "services/cli/turn_sheet.h"

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

}  // namespace

std::string TurnSheet(const Turn& turn) {
  return Sheet({{"name", turn.name()},
                {"state", absl::StrCat(Turn::State_Name(turn.state()),
                                       turn.cancel_requested() ? " (cancel requested)" : "")},
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
                      OneLine(InputOf(turn), kLineWidth), "\n");
}

// As the end of a stream that was never looked at.
void PrintOutcome(const Turn& turn, absl::string_view address, Console& console) {
  const bool terminal = console.out_is_terminal();
  StreamView view({terminal, terminal, false, std::string(address)});
  chat::v1::TurnEvent event;
  *event.mutable_finished()->mutable_turn() = turn;
  for (const Piece& piece : view.OnEvent(event, absl::ZeroDuration())) {
    piece.kind == Piece::Kind::kAnswer ? console.Out(piece.text) : console.Notice(piece.text);
  }
}

}  // namespace penstock::cli
