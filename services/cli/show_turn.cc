#include "services/cli/show_turn.h"

#include <vector>

#include "libs/base/clock.h"
#include "libs/base/refusal.h"
#include "services/cli/exit_code.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;

class Show {
 public:
  Show(TurnStream& stream, const StreamStyle& style, Console& console, ToolRunner* tools)
      : stream_(stream), view_(style), console_(console), tools_(tools) {}

  TurnOutcome Run(Happenings& happenings) {
    while (!outcome_) {
      const auto happening = happenings.Take(view_.due() - Now());
      if (happening) {
        std::visit([this](const auto& what) { On(what); }, *happening);
      } else {
        Print(view_.OnTime(Now()));
      }
    }
    return *outcome_;
  }

 private:
  void On(const chat::v1::TurnEvent& event) {
    lost_ = false;
    Print(view_.OnEvent(event, Now()));
    if (event.has_tool_calls_requested()) RunTools(event.tool_calls_requested());
    if (event.has_finished()) StopTools();
  }

  // A step that was asked for before is asked for again when the turn was started again.
  void RunTools(const chat::v1::ToolCallsRequested& requested) {
    if (tools_ == nullptr || interrupts_ > 0) return;
    if (ran_ && ran_->step == requested.step()) return stream_.SubmitToolResults(*ran_);
    tools_->Run(requested);
  }

  void StopTools() {
    if (tools_ != nullptr) tools_->Stop();
  }

  void On(const ToolNotice& notice) { Print(view_.OnNotice(notice.text)); }
  void On(const ToolQuestion& question) { Print(view_.OnQuestion(question.text)); }

  void On(const ToolsRan& ran) {
    ran_ = ran;
    if (interrupts_ == 0 && view_.finished() == nullptr) stream_.SubmitToolResults(ran);
  }

  // The turn would wait in vain for what was refused.
  void On(const ResultsAnswered& answer) {
    if (answer.status.ok() || interrupts_ > 0) return;
    Print(view_.OnBroken(answer.status));
    if (ReasonOf(answer.status) != "TURN_NOT_AWAITING_TOOLS") stream_.CancelTurn();
  }

  void On(const StreamEnded& end) {
    if (const Turn* turn = view_.finished()) {
      outcome_ = OutcomeOf(turn->state());
    } else if (interrupts_ > 0 && end.status.code() == absl::StatusCode::kCancelled) {
      Print(view_.OnNotice("[cancelled before it was accepted]"));
      outcome_ = TurnOutcome::kInterrupted;
    } else {
      Print(view_.OnBroken(end.status.ok() ? absl::DataLossError("the stream ended before the turn")
                                           : end.status));
      outcome_ = TurnOutcome::kFailed;
    }
  }

  void On(const ConnectionLost&) {
    if (lost_) return;
    lost_ = true;
    Print(view_.OnNotice("[connection lost; looking again]"));
  }

  void On(const Interrupted&) {
    StopTools();
    if (++interrupts_ == 1) {
      Print(view_.OnNotice("[cancelling; Ctrl-C again leaves]"));
      stream_.CancelTurn();
    } else {
      Print(view_.OnNotice("[left; the turn may still run]"));
      stream_.Leave();
      outcome_ = TurnOutcome::kLeft;
    }
  }

  void On(const CancelAnswered& answer) {
    if (!answer.status.ok()) Print(view_.OnBroken(answer.status));
  }

  TurnOutcome OutcomeOf(Turn::State state) const {
    if (interrupts_ > 0) return TurnOutcome::kInterrupted;
    return state == Turn::SUCCEEDED ? TurnOutcome::kSucceeded : TurnOutcome::kFailed;
  }

  void Print(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) {
      piece.kind == Piece::Kind::kAnswer ? console_.Out(piece.text) : console_.Notice(piece.text);
    }
  }

  static absl::Duration Now() { return SystemClock().Monotonic(); }

  TurnStream& stream_;
  StreamView view_;
  Console& console_;
  ToolRunner* const tools_;
  // The last step whose tools have run.
  std::optional<ToolsRan> ran_;
  int interrupts_ = 0;
  bool lost_ = false;
  std::optional<TurnOutcome> outcome_;
};

}  // namespace

TurnOutcome ShowTurn(TurnStream& stream, Happenings& happenings, const StreamStyle& style,
                     Console& console, ToolRunner* tools) {
  return Show(stream, style, console, tools).Run(happenings);
}

int ExitCodeOf(TurnOutcome outcome) {
  switch (outcome) {
    case TurnOutcome::kSucceeded:
      return kExitOk;
    case TurnOutcome::kFailed:
      return kExitFailed;
    case TurnOutcome::kInterrupted:
    case TurnOutcome::kLeft:
      return kExitInterrupted;
  }
  return kExitFailed;
}

}  // namespace penstock::cli
