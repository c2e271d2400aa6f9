// What is shown of a turn while it runs: events in, text out.
#pragma once

#include <string>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::cli {

// A wait is not shown before it has lasted this long, so that fast answers stay clean.
inline constexpr absl::Duration kShownWait = absl::Milliseconds(300);

struct StreamStyle {
  // Lines may be rewritten and dimmed; otherwise every notice is a line of its own.
  bool terminal = false;
  // A last line with model, tokens, cost and time.
  bool summary = false;
  // The answer and errors only.
  bool quiet = false;
  // What the model calls is run here.
  bool runs_tools = false;
  // For what is advised in errors.
  std::string address = "";
};

struct Piece {
  enum class Kind { kAnswer, kNotice };
  Kind kind;
  std::string text;

  bool operator==(const Piece&) const = default;
};

// Deltas are shown as they come; what is stored is trusted over what was shown, so the end of a
// turn that was joined late, or whose deltas are gone, still gives its whole answer. `now` is any
// clock that never goes back. Not thread-safe.
class StreamView {
 public:
  explicit StreamView(StreamStyle style) : style_(std::move(style)) {}

  std::vector<Piece> OnEvent(const chat::v1::TurnEvent& event, absl::Duration now);
  // When OnTime has something to show; InfiniteDuration: when an event has come.
  absl::Duration due() const;
  std::vector<Piece> OnTime(absl::Duration now);

  // A line that is not of the turn: "[cancelling]".
  std::vector<Piece> OnNotice(absl::string_view text);
  // A question on a line of its own; who is asked answers behind it.
  std::vector<Piece> OnQuestion(absl::string_view text);
  // The stream broke, and nothing more will come.
  std::vector<Piece> OnBroken(const absl::Status& status);

  // The turn in its terminal state, once it is there.
  const chat::v1::Turn* finished() const { return finished_ ? &turn_ : nullptr; }

 private:
  void OnQueue(const chat::v1::Queue& queue, absl::Duration now);
  void ShowWait();
  void EndWait();
  void OnDelta(const chat::v1::Delta& delta, int64_t index);
  void OnStepFinished(const chat::v1::StepFinished& step, int64_t index);
  void OnToolCalls(const chat::v1::ToolCallsRequested& requested);
  void OnRestarted(const chat::v1::Restarted& restarted);
  void OnFinished(const chat::v1::Turn& turn);
  void ShowRest(const std::string& whole);
  void ShowOutcome();

  void Answer(absl::string_view text);
  void Notice(absl::string_view text);
  // A notice on its own line, dimmed on a terminal.
  void Remark(absl::string_view text);
  void EndLine();
  std::vector<Piece> TakePieces();

  StreamStyle style_;
  std::vector<Piece> pieces_;
  // Of the answer, without what a restart took back; and its steps that can no more be taken back.
  std::string shown_;
  std::string durable_;
  int shown_step_ = 0;
  int durable_step_ = 0;
  int64_t shown_index_ = 0;
  bool reasoning_open_ = false;
  // The last thing on the terminal's line is text without a newline.
  bool line_open_ = false;
  // The wait that has not ended, with the text that is, or is to be, shown for it.
  std::string wait_;
  std::string wait_on_screen_;
  absl::Duration wait_due_ = absl::InfiniteDuration();
  bool finished_ = false;
  // What is known of it before it is finished: its name.
  chat::v1::Turn turn_;
};

}  // namespace penstock::cli
