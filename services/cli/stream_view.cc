#include "services/cli/stream_view.h"

#include <utility>

#include "libs/base/refusal.h"
#include "services/cli/refusal_text.h"
#include "services/cli/turn_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::cli {
namespace {

using chat::v1::Delta;
using chat::v1::Turn;
using chat::v1::TurnEvent;

constexpr absl::string_view kRewrite = "\r\x1b[K";
constexpr absl::string_view kDim = "\x1b[2m";
constexpr absl::string_view kPlain = "\x1b[0m";

absl::string_view WhyShort(chat::v1::FinishReason reason) {
  switch (reason) {
    case chat::v1::LENGTH:
      return "[cut short: the bound on output was reached]";
    case chat::v1::CONTENT_FILTER:
      return "[cut short by the provider's content filter]";
    case chat::v1::TOOL_LIMIT:
      return "[answered without more tools: the bound on tool calls was reached]";
    default:
      return "";
  }
}

}  // namespace

std::vector<Piece> StreamView::OnEvent(const TurnEvent& event, absl::Duration now) {
  switch (event.event_case()) {
    case TurnEvent::kAccepted:
      turn_.set_name(event.accepted().turn());
      if (event.accepted().has_queue()) OnQueue(event.accepted().queue(), now);
      break;
    case TurnEvent::kQueued:
      OnQueue(event.queued(), now);
      break;
    case TurnEvent::kStarted:
      EndWait();
      break;
    case TurnEvent::kDelta:
      OnDelta(event.delta(), event.index());
      break;
    case TurnEvent::kStepFinished:
      OnStepFinished(event.step_finished(), event.index());
      break;
    case TurnEvent::kToolCallsRequested:
      OnToolCalls(event.tool_calls_requested());
      break;
    case TurnEvent::kRestarted:
      OnRestarted(event.restarted());
      break;
    case TurnEvent::kFinished:
      OnFinished(event.finished().turn());
      break;
    case TurnEvent::EVENT_NOT_SET:
      break;
  }
  return TakePieces();
}

absl::Duration StreamView::due() const { return wait_due_; }

std::vector<Piece> StreamView::OnTime(absl::Duration now) {
  if (now >= wait_due_) ShowWait();
  return TakePieces();
}

std::vector<Piece> StreamView::OnNotice(absl::string_view text) {
  const std::string wait = wait_on_screen_;
  Remark(text);
  wait_ = wait;
  if (!wait.empty()) ShowWait();
  return TakePieces();
}

std::vector<Piece> StreamView::OnQuestion(absl::string_view text) {
  EndWait();
  EndLine();
  Notice(text);
  return TakePieces();
}

std::vector<Piece> StreamView::OnBroken(const absl::Status& status) {
  EndWait();
  EndLine();
  Notice(RefusalText(status, style_.address));
  return TakePieces();
}

void StreamView::OnQueue(const chat::v1::Queue& queue, absl::Duration now) {
  if (style_.quiet || queue.position() < 1) return;
  const bool first = wait_.empty();
  wait_ = WaitText(queue);
  if (first) wait_due_ = now + kShownWait;
  if (now >= wait_due_ || wait_due_ == absl::InfiniteDuration()) ShowWait();
}

void StreamView::ShowWait() {
  wait_due_ = absl::InfiniteDuration();
  if (wait_ == wait_on_screen_) return;
  if (wait_on_screen_.empty()) EndLine();
  Notice(style_.terminal ? absl::StrCat(kRewrite, wait_) : absl::StrCat(wait_, "\n"));
  wait_on_screen_ = wait_;
}

void StreamView::EndWait() {
  if (style_.terminal && !wait_on_screen_.empty()) Notice(kRewrite);
  wait_.clear();
  wait_on_screen_.clear();
  wait_due_ = absl::InfiniteDuration();
}

void StreamView::OnDelta(const Delta& delta, int64_t index) {
  EndWait();
  // The calls are shown when they are whole.
  if (delta.kind() == Delta::TOOL_ARGUMENTS) return;
  shown_index_ = index;
  if (delta.kind() == Delta::REASONING) {
    if (!style_.terminal || style_.quiet) return;
    Answer(absl::StrCat(kDim, delta.text(), kPlain));
    reasoning_open_ = true;
    return;
  }
  if (std::exchange(reasoning_open_, false)) Answer("\n");
  if (delta.step() != shown_step_ && !shown_.empty()) {
    EndLine();
    shown_ += "\n";
  }
  shown_step_ = delta.step();
  Answer(delta.text());
  shown_ += delta.text();
}

// What was shown of the step is its whole text already, unless its deltas are gone.
void StreamView::OnStepFinished(const chat::v1::StepFinished& step, int64_t index) {
  if (shown_.empty() || step.step() > shown_step_) {
    Delta whole;
    whole.set_step(step.step());
    whole.set_text(AnswerOf(step.message()));
    if (!whole.text().empty()) OnDelta(whole, index);
  }
  durable_ = shown_;
  durable_step_ = shown_step_;
}

void StreamView::OnToolCalls(const chat::v1::ToolCallsRequested& requested) {
  EndWait();
  EndLine();
  if (style_.runs_tools) return;
  for (const auto& call : requested.calls()) Notice(absl::StrCat("[", CallText(call), "]\n"));
  Notice(HowToAnswer(turn_.name(), requested.calls()));
}

void StreamView::OnRestarted(const chat::v1::Restarted& restarted) {
  EndWait();
  const bool forgets = shown_ != durable_ || reasoning_open_;
  if (!forgets || shown_index_ <= restarted.keep_through_index()) return;
  EndLine();
  Answer("[again]\n");
  shown_ = durable_;
  shown_step_ = durable_step_;
  reasoning_open_ = false;
}

void StreamView::OnFinished(const Turn& turn) {
  EndWait();
  turn_ = turn;
  finished_ = true;
  ShowRest(AnswerOf(turn));
  EndLine();
  ShowOutcome();
  if (style_.summary) Remark(SummaryOf(turn));
}

void StreamView::ShowRest(const std::string& whole) {
  if (whole.empty()) return;
  if (absl::StartsWith(whole, shown_)) {
    Answer(whole.substr(shown_.size()));
    return;
  }
  EndLine();
  Answer(absl::StrCat("[kept]\n", whole));
}

void StreamView::ShowOutcome() {
  const bool kept = turn_.output_size() > 0;
  switch (turn_.state()) {
    case Turn::AWAITING_TOOLS:
      for (const auto& call : turn_.pending_tool_calls())
        Remark(absl::StrCat("[", CallText(call), "]"));
      Notice(HowToAnswer(turn_.name(), turn_.pending_tool_calls()));
      break;
    case Turn::CANCELLED:
      Remark(kept ? "[cancelled; what stands above is kept, but is no part of later context]"
                  : "[cancelled; nothing was kept]");
      break;
    case Turn::FAILED:
      Notice(RefusalText(FromRpcStatus(turn_.error()), style_.address, "the turn failed"));
      break;
    case Turn::EXPIRED:
      Notice(RefusalText(FromRpcStatus(turn_.error()), style_.address, "the turn expired"));
      break;
    default:
      Remark(WhyShort(turn_.finish_reason()));
  }
}

void StreamView::Answer(absl::string_view text) {
  if (text.empty()) return;
  pieces_.push_back({Piece::Kind::kAnswer, std::string(text)});
  absl::ConsumeSuffix(&text, kPlain);
  line_open_ = !absl::EndsWith(text, "\n");
}

void StreamView::Notice(absl::string_view text) {
  pieces_.push_back({Piece::Kind::kNotice, std::string(text)});
}

void StreamView::Remark(absl::string_view text) {
  if (text.empty() || style_.quiet) return;
  EndWait();
  EndLine();
  Notice(style_.terminal ? absl::StrCat(kDim, text, kPlain, "\n") : absl::StrCat(text, "\n"));
}

void StreamView::EndLine() {
  if (line_open_) Answer("\n");
}

std::vector<Piece> StreamView::TakePieces() { return std::exchange(pieces_, {}); }

}  // namespace penstock::cli
