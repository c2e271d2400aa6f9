#include "services/session_state/recent_turns.h"

#include <gtest/gtest.h>

#include "services/session_state/past_turn_for_test.h"

namespace penstock::session_state {
namespace {

constexpr ContextBounds kTwoTurns{.max_tokens = 100, .max_turns = 2};
constexpr ContextBounds kManyTurns{.max_tokens = 100, .max_turns = 10};

// Turns `newest` to `oldest`.
RecentTurns Turns(int64_t newest, int64_t oldest, bool all) {
  std::deque<PastTurn> turns;
  for (int64_t i = newest; i >= oldest; --i) turns.push_back(ShownTurn(i));
  return {std::move(turns), all};
}

std::string TextBefore(RecentTurns& turns, int64_t sequence, ContextBounds bounds) {
  const auto context = turns.ContextBefore(sequence, bounds);
  return context ? TextOf(*context) : "unknown";
}

TEST(RecentTurns, AnswerFromWhatIsKnownAndNoFurther) {
  RecentTurns some = Turns(5, 3, false);
  RecentTurns all = Turns(2, 1, true);
  RecentTurns none;

  EXPECT_EQ(TextBefore(some, 6, kTwoTurns), "q4 a4 q5 a5+");
  EXPECT_EQ(TextBefore(some, 6, kManyTurns), "unknown");
  EXPECT_EQ(TextBefore(all, 3, kManyTurns), "q1 a1 q2 a2");
  EXPECT_EQ(TextBefore(none, 1, kManyTurns), "unknown");
}

TEST(RecentTurns, OnlyEarlierTurnsAreHistory) {
  RecentTurns turns = Turns(3, 1, true);

  EXPECT_EQ(TextBefore(turns, 3, kManyTurns), "q1 a1 q2 a2");
}

TEST(RecentTurns, ATurnThatEndsTakesThePlaceOfItsBeginning) {
  RecentTurns turns = Turns(1, 1, true);

  turns.Note(HiddenTurn(2));
  EXPECT_EQ(TextBefore(turns, 3, kManyTurns), "q1 a1");
  turns.Note(ShownTurn(2));
  EXPECT_EQ(TextBefore(turns, 3, kManyTurns), "q1 a1 q2 a2");
}

TEST(RecentTurns, ATurnIsFiledInItsPlace) {
  RecentTurns turns = Turns(1, 1, true);

  turns.Note(ShownTurn(4));
  turns.Note(ShownTurn(3));

  EXPECT_EQ(TextBefore(turns, 9, kManyTurns), "q1 a1 q3 a3 q4 a4");
}

TEST(RecentTurns, ATurnBelowAGapIsNotKept) {
  RecentTurns turns = Turns(5, 4, false);

  turns.Note(ShownTurn(2));

  EXPECT_EQ(TextBefore(turns, 9, kManyTurns), "unknown");
  EXPECT_EQ(TextBefore(turns, 9, {.max_tokens = 100, .max_turns = 1}), "q5 a5+");
}

TEST(RecentTurns, ForgetWhatAContextDidNotLookAt) {
  RecentTurns turns = Turns(5, 1, true);
  const size_t bytes = turns.bytes();

  EXPECT_EQ(TextBefore(turns, 6, kTwoTurns), "q4 a4 q5 a5+");
  EXPECT_LT(turns.bytes(), bytes);
  EXPECT_EQ(TextBefore(turns, 6, kTwoTurns), "q4 a4 q5 a5+");
  EXPECT_EQ(TextBefore(turns, 6, kManyTurns), "unknown");
}

}  // namespace
}  // namespace penstock::session_state
