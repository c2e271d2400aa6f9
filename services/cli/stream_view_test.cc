// Golden outputs. Notices stand in «»; what rewrites or dims a terminal's line is spelled out.

#include "services/cli/stream_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::cli {
namespace {

using chat::v1::Delta;
using chat::v1::Turn;
using chat::v1::TurnEvent;

TurnEvent Accepted() {
  TurnEvent event;
  event.set_index(1);
  event.mutable_accepted()->set_turn("sessions/s1/turns/t1");
  event.mutable_accepted()->set_session("sessions/s1");
  return event;
}

TurnEvent Queued(int64_t position, absl::Duration eta) {
  TurnEvent event;
  event.mutable_queued()->set_position(position);
  *event.mutable_queued()->mutable_eta_p50() = ToProto(eta);
  return event;
}

TurnEvent Started() {
  TurnEvent event;
  event.mutable_started()->set_run(1);
  return event;
}

TurnEvent Said(int64_t index, const std::string& text, Delta::Kind kind = Delta::TEXT,
               int step = 0) {
  TurnEvent event;
  event.set_index(index);
  event.mutable_delta()->set_step(step);
  event.mutable_delta()->set_kind(kind);
  event.mutable_delta()->set_text(text);
  return event;
}

TurnEvent Step(int64_t index, const std::string& text, int step = 0) {
  TurnEvent event;
  event.set_index(index);
  event.mutable_step_finished()->set_step(step);
  event.mutable_step_finished()->mutable_message()->add_parts()->mutable_text()->set_text(text);
  return event;
}

TurnEvent Restarted(int64_t keep_through) {
  TurnEvent event;
  event.mutable_restarted()->set_run(2);
  event.mutable_restarted()->set_keep_through_index(keep_through);
  return event;
}

Turn Ended(Turn::State state, const std::vector<std::string>& output) {
  Turn turn;
  turn.set_name("sessions/s1/turns/t1");
  turn.set_state(state);
  for (const std::string& text : output) {
    turn.add_output()->add_parts()->mutable_text()->set_text(text);
  }
  return turn;
}

TurnEvent Finished(const Turn& turn) {
  TurnEvent event;
  *event.mutable_finished()->mutable_turn() = turn;
  return event;
}

// A turn as it is shown, piece by piece, on a clock that the test moves.
class Screen {
 public:
  explicit Screen(StreamStyle style) : view_(std::move(style)) {}

  Screen& See(const TurnEvent& event) { return Add(view_.OnEvent(event, now_)); }
  Screen& Notice(absl::string_view text) { return Add(view_.OnNotice(text)); }
  Screen& Break(const absl::Status& status) { return Add(view_.OnBroken(status)); }
  Screen& After(absl::Duration time) {
    now_ += time;
    return now_ >= view_.due() ? Add(view_.OnTime(now_)) : *this;
  }

  const std::string& text() const { return text_; }

 private:
  Screen& Add(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) {
      const std::string shown = absl::StrReplaceAll(
          piece.text, {{"\r\x1b[K", "<erase>"}, {"\x1b[2m", "<dim>"}, {"\x1b[0m", "</dim>"}});
      const bool notice = piece.kind == Piece::Kind::kNotice;
      absl::StrAppend(&text_, notice ? "«" : "", shown, notice ? "»" : "");
    }
    return *this;
  }

  StreamView view_;
  absl::Duration now_ = absl::Seconds(100);
  std::string text_;
};

const StreamStyle kPlain = {};
const StreamStyle kTerminal = {true, true, false, false, "127.0.0.1:7420"};

TEST(StreamView, ShowsTheAnswerAloneWhenItIsFast) {
  Screen screen(kPlain);

  screen.See(Accepted()).See(Queued(1, absl::Seconds(1))).After(absl::Milliseconds(200));
  screen.See(Started()).See(Said(2, "Al")).See(Said(3, "batross.")).See(Step(4, "Albatross."));
  screen.See(Finished(Ended(Turn::SUCCEEDED, {"Albatross."})));

  EXPECT_EQ(screen.text(), "Albatross.\n");
}

TEST(StreamView, RewritesTheWaitOnATerminalAndErasesIt) {
  Screen screen(kTerminal);

  screen.See(Accepted()).See(Queued(3, absl::Seconds(2))).After(absl::Milliseconds(299));
  EXPECT_EQ(screen.text(), "");
  screen.After(absl::Milliseconds(1)).After(absl::Seconds(1)).See(Queued(2, absl::Seconds(1)));
  screen.See(Queued(2, absl::Seconds(1))).See(Queued(1, absl::Milliseconds(300))).See(Started());
  screen.See(Said(2, "Yes."));

  EXPECT_EQ(screen.text(),
            "«<erase>waiting: place 3, about 2 s»«<erase>waiting: place 2, about 1 s»"
            "«<erase>waiting: place 1, under 1 s»«<erase>»Yes.");
}

TEST(StreamView, PrintsAWaitAsLinesElsewhere) {
  Screen screen(kPlain);

  screen.See(Queued(3, absl::Seconds(2))).After(absl::Milliseconds(300));
  screen.See(Queued(2, absl::Seconds(120))).See(Started()).See(Said(2, "Yes."));

  EXPECT_EQ(screen.text(), "«waiting: place 3, about 2 s\n»«waiting: place 2, about 2 min\n»Yes.");
}

TEST(StreamView, QuietShowsNoWaitAndNoSummary) {
  Screen screen({true, false, true, false, ""});

  screen.See(Queued(3, absl::Seconds(2))).After(absl::Seconds(1)).See(Started());
  screen.See(Said(2, "Yes.")).See(Finished(Ended(Turn::SUCCEEDED, {"Yes."})));

  EXPECT_EQ(screen.text(), "Yes.\n");
}

TEST(StreamView, EndsWithModelTokensCostTimeAndMemories) {
  Turn turn = Ended(Turn::SUCCEEDED, {"Yes."});
  turn.set_model("sim/echo");
  turn.mutable_usage()->set_input_tokens(12);
  turn.mutable_usage()->set_output_tokens(30);
  turn.set_cost_nano_usd(21'500);
  *turn.mutable_create_time() = ToProto(absl::FromUnixMillis(1'000));
  *turn.mutable_end_time() = ToProto(absl::FromUnixMillis(2'230));
  turn.add_recalled_memories("memories/m1");
  Screen screen(kTerminal);

  screen.See(Said(2, "Yes.")).See(Finished(turn));

  EXPECT_EQ(screen.text(),
            "Yes.\n«<dim>sim/echo · 12 tokens in, 30 out · $0.0000215 · 1.2 s · 1 memory</dim>\n»");
}

TEST(StreamView, StartsOverAfterARestart) {
  Screen screen(kPlain);

  screen.See(Started()).See(Said(2, "The name of")).See(Restarted(1)).See(Started());
  screen.See(Said(5, "Albatross.")).See(Finished(Ended(Turn::SUCCEEDED, {"Albatross."})));

  EXPECT_EQ(screen.text(), "The name of\n[again]\nAlbatross.\n");
}

TEST(StreamView, ARestartKeepsTheStepsThatAreDurable) {
  Screen screen(kPlain);

  screen.See(Said(2, "One.")).See(Step(3, "One.")).See(Said(4, "Tw", Delta::TEXT, 1));
  screen.See(Restarted(3)).See(Said(7, "Two.", Delta::TEXT, 1));
  screen.See(Finished(Ended(Turn::SUCCEEDED, {"One.", "Two."})));

  EXPECT_EQ(screen.text(), "One.\nTw\n[again]\nTwo.\n");
}

TEST(StreamView, ARestartWithNothingToForgetIsNotWorthAWord) {
  Screen screen(kPlain);

  screen.See(Started()).See(Restarted(1)).See(Started()).See(Said(5, "Yes."));

  EXPECT_EQ(screen.text(), "Yes.");
}

TEST(StreamView, GivesTheStoredAnswerWhereDeltasAreGone) {
  Screen steps(kPlain);
  Screen end_only(kPlain);
  const TurnEvent end = Finished(Ended(Turn::SUCCEEDED, {"One.", "Two."}));

  steps.See(Step(3, "One.")).See(Step(5, "Two.", 1)).See(end);
  end_only.See(end);

  EXPECT_EQ(steps.text(), "One.\nTwo.\n");
  EXPECT_EQ(end_only.text(), "One.\nTwo.\n");
}

TEST(StreamView, SaysWhatACancelledTurnKept) {
  Screen kept(kTerminal);
  Screen nothing(kPlain);

  kept.See(Said(2, "The name")).Notice("[cancelling; Ctrl-C again leaves]");
  kept.See(Finished(Ended(Turn::CANCELLED, {"The name of"})));
  nothing.See(Started()).See(Finished(Ended(Turn::CANCELLED, {})));

  EXPECT_EQ(
      kept.text(),
      "The name\n«<dim>[cancelling; Ctrl-C again leaves]</dim>\n» of\n"
      "«<dim>[cancelled; what stands above is kept, but is no part of later context]</dim>\n»");
  EXPECT_EQ(nothing.text(), "«[cancelled; nothing was kept]\n»");
}

TEST(StreamView, ShowsWhatWasKeptWhenItIsNotWhatWasShown) {
  Screen screen(kPlain);

  screen.See(Said(2, "A long answer")).See(Finished(Ended(Turn::CANCELLED, {"A long"})));

  EXPECT_EQ(screen.text(),
            "A long answer\n[kept]\nA long\n"
            "«[cancelled; what stands above is kept, but is no part of later context]\n»");
}

TEST(StreamView, ShowsWhyATurnFailed) {
  Turn turn = Ended(Turn::FAILED, {});
  *turn.mutable_error() = ToRpcStatus(
      Refusal(absl::StatusCode::kUnavailable, "PROVIDER_UNREACHABLE", "sim: connection refused"));
  Screen screen(kPlain);

  screen.See(Said(2, "The na")).See(Finished(turn));

  EXPECT_EQ(screen.text(),
            "The na\n«penstock: the turn failed: sim: connection refused (PROVIDER_UNREACHABLE)\n"
            "what to do: check providers[].base_url, and that the provider is up\n»");
}

TEST(StreamView, ABrokenStreamEndsTheLineAndTheWait) {
  Screen waiting(kTerminal);
  Screen talking(kPlain);

  waiting.See(Queued(3, absl::Seconds(2))).After(absl::Seconds(1));
  waiting.Break(absl::CancelledError("gone"));
  talking.See(Said(2, "The na")).Break(absl::CancelledError("gone"));

  EXPECT_EQ(waiting.text(),
            "«<erase>waiting: place 3, about 2 s»«<erase>»«penstock: gone (CANCELLED)\n»");
  EXPECT_EQ(talking.text(), "The na\n«penstock: gone (CANCELLED)\n»");
}

TEST(StreamView, ANoticeDoesNotEndTheWait) {
  Screen screen(kTerminal);

  screen.See(Queued(3, absl::Seconds(2))).After(absl::Seconds(1)).Notice("[cancelling]");

  EXPECT_EQ(screen.text(),
            "«<erase>waiting: place 3, about 2 s»«<erase>»«<dim>[cancelling]</dim>\n»"
            "«<erase>waiting: place 3, about 2 s»");
}

TEST(StreamView, DimsReasoningOnATerminalAndLeavesItOutElsewhere) {
  Screen terminal(kTerminal);
  Screen plain(kPlain);

  for (Screen* screen : {&terminal, &plain}) {
    screen->See(Said(2, "Hm.", Delta::REASONING)).See(Said(3, "Yes.")).See(Step(4, "Yes."));
  }

  EXPECT_EQ(terminal.text(), "<dim>Hm.</dim>\nYes.");
  EXPECT_EQ(plain.text(), "Yes.");
}

TurnEvent Calls(int step) {
  TurnEvent event;
  event.mutable_tool_calls_requested()->set_step(step);
  auto& call = *event.mutable_tool_calls_requested()->add_calls();
  call.set_id("c1");
  call.set_name("clock");
  call.set_arguments("{\"zone\":\"CET\"}");
  return event;
}

TEST(StreamView, ShowsCallsWholeAndOnlyWhereNothingIsRun) {
  Screen watching(kPlain);
  Screen running({false, false, false, true, ""});

  for (Screen* screen : {&watching, &running}) {
    screen->See(Accepted())
        .See(Said(2, "Let me look."))
        .See(Said(3, "{\"zo", Delta::TOOL_ARGUMENTS));
    screen->See(Step(4, "Let me look.")).See(Calls(0));
    screen->See(Said(6, "Noon.", Delta::TEXT, 1)).See(Step(7, "Noon.", 1));
    Turn turn = Ended(Turn::SUCCEEDED, {"Let me look.", "", "Noon."});
    screen->See(Finished(turn));
  }

  EXPECT_EQ(
      watching.text(),
      "Let me look.\n«[clock {\"zone\":\"CET\"}]\n»«what to do: give the results with `penstock "
      "turn results sessions/s1/turns/t1 c1=TEXT`\n»Noon.\n");
  EXPECT_EQ(running.text(), "Let me look.\nNoon.\n");
}

TEST(StreamView, SaysThatTheBoundOnToolCallsWasReached) {
  Turn turn = Ended(Turn::SUCCEEDED, {"Enough."});
  turn.set_finish_reason(chat::v1::TOOL_LIMIT);
  Screen screen(kPlain);

  screen.See(Said(2, "Enough.")).See(Finished(turn));

  EXPECT_EQ(screen.text(),
            "Enough.\n«[answered without more tools: the bound on tool calls was reached]\n»");
}

TEST(StreamView, SaysWhyAnAnswerIsShort) {
  Turn turn = Ended(Turn::SUCCEEDED, {"The na"});
  turn.set_finish_reason(chat::v1::LENGTH);
  Screen screen(kPlain);

  screen.See(Said(2, "The na")).See(Finished(turn));

  EXPECT_EQ(screen.text(), "The na\n«[cut short: the bound on output was reached]\n»");
}

}  // namespace
}  // namespace penstock::cli
