#include "services/session_state/context_window.h"

#include <gtest/gtest.h>

namespace penstock::session_state {
namespace {

using chat::v1::Turn;

// Owned by the window.
const Turn& In(ContextWindow& window, const Turn& turn) {
  Turn& copy = window.NewTurn();
  copy = turn;
  return copy;
}

Turn TurnOf(const std::string& input, const std::string& output,
            Turn::State state = Turn::SUCCEEDED) {
  Turn turn;
  turn.set_state(state);
  turn.add_input()->mutable_text()->set_text(input);
  turn.add_output()->add_parts()->mutable_text()->set_text(output);
  return turn;
}

TEST(EstimatedTokens, AreBytesOfTextByFourTimesOnePointTwoRoundedUp) {
  Turn turn;
  EXPECT_EQ(EstimatedTokens(turn.input()), 0);

  turn.add_input()->mutable_text()->set_text("a");
  EXPECT_EQ(EstimatedTokens(turn.input()), 1);
  turn.add_input()->mutable_text()->set_text("123456789");
  EXPECT_EQ(EstimatedTokens(turn.input()), 3);
  turn.add_input()->mutable_reasoning()->set_text(std::string(1000, 'x'));
  EXPECT_EQ(EstimatedTokens(turn.input()), 3);
}

TEST(ContextWindow, FillsExactlyItsTokens) {
  ContextWindow window(6, 10);

  EXPECT_TRUE(window.Add(In(window, TurnOf("1234567890", "1234567890"))));
  EXPECT_FALSE(window.Add(In(window, TurnOf("a", "b"))));

  const auto context = window.Context();
  EXPECT_EQ(context.history_size(), 2);
  EXPECT_TRUE(context.truncated());
}

TEST(ContextWindow, PassesOverWhatDidNotSucceedOrHasNoAnswer) {
  ContextWindow window(100, 1);
  Turn only_thought;
  only_thought.set_state(Turn::SUCCEEDED);
  only_thought.add_input()->mutable_text()->set_text("q");
  only_thought.add_output()->add_parts()->mutable_reasoning()->set_text("hm");

  EXPECT_TRUE(window.Add(In(window, TurnOf("q", "cut", Turn::CANCELLED))));
  EXPECT_TRUE(window.Add(In(window, TurnOf("q", "", Turn::RUNNING))));
  EXPECT_TRUE(window.Add(In(window, only_thought)));
  EXPECT_TRUE(window.Add(In(window, TurnOf("hello", "world"))));

  const auto context = window.Context();
  ASSERT_EQ(context.history_size(), 2);
  EXPECT_EQ(context.history(0).parts(0).text().text(), "hello");
  EXPECT_FALSE(context.truncated());
}

TEST(ContextWindow, LeavesReasoningOutAndKeepsRefusals) {
  ContextWindow window(100, 1);
  Turn turn = TurnOf("may I?", "no");
  turn.mutable_output(0)->mutable_parts(0)->mutable_refusal()->set_text("no");
  turn.mutable_output(0)->add_parts()->mutable_reasoning()->set_text("hm");

  window.Add(In(window, turn));

  const auto context = window.Context();
  ASSERT_EQ(context.history(1).parts_size(), 1);
  EXPECT_EQ(context.history(1).parts(0).refusal().text(), "no");
}

}  // namespace
}  // namespace penstock::session_state
