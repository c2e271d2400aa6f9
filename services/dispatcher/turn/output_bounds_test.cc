#include "services/dispatcher/turn/output_bounds.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

void Learn(OutputBounds& bounds, int answers, int64_t tokens) {
  for (int i = 0; i < answers; ++i) bounds.Learn("t", "a", tokens);
}

TEST(OutputBounds, SaysNothingBeforeAThousandAnswers) {
  OutputBounds bounds;
  Learn(bounds, 999, 100);
  EXPECT_EQ(bounds.Bound("t", "a"), std::nullopt);

  Learn(bounds, 1, 100);

  EXPECT_TRUE(bounds.Bound("t", "a").has_value());
  EXPECT_EQ(bounds.Bound("t", "b"), std::nullopt);
  EXPECT_EQ(bounds.Bound("u", "a"), std::nullopt);
}

TEST(OutputBounds, OneOfAThousandMayBeLonger) {
  OutputBounds bounds;
  Learn(bounds, 9990, 100);
  Learn(bounds, 10, 4000);

  EXPECT_GE(*bounds.Bound("t", "a"), 100);
  EXPECT_LE(*bounds.Bound("t", "a"), 120);

  Learn(bounds, 5, 4000);
  EXPECT_GE(*bounds.Bound("t", "a"), 4000);
  EXPECT_LE(*bounds.Bound("t", "a"), 4800);
}

TEST(OutputBounds, FollowsAnswersThatGrow) {
  OutputBounds bounds;
  Learn(bounds, 19'000, 100);
  Learn(bounds, 1000, 1000);

  EXPECT_GE(*bounds.Bound("t", "a"), 1000);
}

TEST(OutputBounds, AreNotForModelsThatForbidThem) {
  OutputBounds bounds;
  EXPECT_TRUE(bounds.MayBound("p/new"));

  bounds.Forbid("p/new");

  EXPECT_FALSE(bounds.MayBound("p/new"));
  EXPECT_TRUE(bounds.MayBound("p/old"));
}

}  // namespace
}  // namespace penstock::dispatcher
