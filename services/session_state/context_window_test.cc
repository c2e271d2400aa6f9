#include "services/session_state/context_window.h"

#include <deque>

#include <gtest/gtest.h>

#include "services/session_state/past_turn_for_test.h"

namespace penstock::session_state {
namespace {

TEST(ContextWindow, AnswersOldestFirst) {
  const PastTurn newer = ShownTurn(2);
  const PastTurn older = ShownTurn(1);
  ContextWindow window({.max_tokens = 100, .max_turns = 10});

  EXPECT_TRUE(window.Add(newer));
  EXPECT_TRUE(window.Add(older));

  EXPECT_EQ(TextOf(window.Context()), "q1 a1 q2 a2");
}

TEST(ContextWindow, FillsExactlyItsTokens) {
  const PastTurn newer = ShownTurn(2);
  const PastTurn older = ShownTurn(1);
  ContextWindow window({.max_tokens = 2, .max_turns = 10});

  EXPECT_TRUE(window.Add(newer));
  EXPECT_FALSE(window.Add(older));

  EXPECT_EQ(TextOf(window.Context()), "q2 a2+");
}

TEST(ContextWindow, FillsExactlyItsBytes) {
  const PastTurn newer = ShownTurn(2);
  const PastTurn older = ShownTurn(1);
  const auto bytes = static_cast<int64_t>(newer.messages.size() + older.messages.size());
  for (const int64_t one_less : {0, 1}) {
    ContextWindow window({.max_tokens = 100, .max_turns = 10, .max_bytes = bytes - one_less});

    EXPECT_TRUE(window.Add(newer));
    EXPECT_EQ(window.Add(older), one_less == 0);

    EXPECT_EQ(TextOf(window.Context()), one_less == 0 ? "q1 a1 q2 a2" : "q2 a2+");
  }
}

TEST(ContextWindow, PassesOverWhatShowsNothing) {
  const PastTurn hidden = HiddenTurn(2);
  const PastTurn shown = ShownTurn(1);
  ContextWindow window({.max_tokens = 100, .max_turns = 1});

  EXPECT_TRUE(window.Add(hidden));
  EXPECT_TRUE(window.Add(shown));

  EXPECT_EQ(TextOf(window.Context()), "q1 a1");
}

TEST(ContextWindow, LooksAtABoundedNumberOfTurns) {
  const PastTurn hidden = HiddenTurn(2);
  ContextWindow window({.max_tokens = 100, .max_turns = 1});

  for (int i = 0; i < 68; ++i) EXPECT_TRUE(window.Add(hidden));
  EXPECT_FALSE(window.Add(hidden));

  EXPECT_EQ(TextOf(window.Context()), "+");
}

TEST(ContextWindow, NoBudgetSplitsACallFromItsResult) {
  chat::v1::Turn turn;
  turn.set_state(chat::v1::Turn::SUCCEEDED);
  turn.add_input()->mutable_text()->set_text("where?");
  turn.add_output()->add_parts()->mutable_tool_call()->set_id("c1");
  turn.mutable_output(0)->mutable_parts(0)->mutable_tool_call()->set_arguments("{\"at\":1}");
  turn.add_output()->add_parts()->mutable_tool_result()->set_tool_call_id("c1");
  turn.mutable_output(1)->set_role(chat::v1::TOOL);
  turn.mutable_output(1)->mutable_parts(0)->mutable_tool_result()->set_content("here");
  const PastTurn past = MakePastTurn(turn, std::string(16, 't'));

  for (int64_t tokens = 0; tokens <= 12; ++tokens) {
    ContextWindow window({.max_tokens = tokens, .max_turns = 5});
    window.Add(past);
    EXPECT_EQ(window.Context().history_size(), tokens < past.tokens ? 0 : 3) << tokens;
  }
}

}  // namespace
}  // namespace penstock::session_state
