#include "services/cli/show_turn.h"

#include <vector>

#include "libs/base/clock.h"
#include "services/cli/exit_code.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;

class Show {
 public:
  Show(TurnStream& stream, const StreamStyle& style, Console& console)
      : stream_(stream), view_(style), console_(console) {}

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
  int interrupts_ = 0;
  bool lost_ = false;
  std::optional<TurnOutcome> outcome_;
};

}  // namespace

TurnOutcome ShowTurn(TurnStream& stream, Happenings& happenings, const StreamStyle& style,
                     Console& console) {
  return Show(stream, style, console).Run(happenings);
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
