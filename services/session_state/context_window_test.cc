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

}  // namespace
}  // namespace penstock::session_state
