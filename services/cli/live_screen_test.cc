#include "services/cli/live_screen.h"

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

TEST(FrameOf, ClearsWhatStoodThereBefore) {
  EXPECT_EQ(FrameOf({{"one", true}, {"two"}}, {.rows = 5, .columns = 10}),
            "\x1b[H\x1b[K\x1b[1mone\x1b[0m\n\x1b[Ktwo\n\x1b[J");
}

TEST(FrameOf, FillsTheScreenToItsLastRowWithoutMovingIt) {
  EXPECT_EQ(FrameOf({{"one"}, {"two"}}, {.rows = 2, .columns = 10}), "\x1b[H\x1b[Kone\n\x1b[Ktwo");
}

TEST(FrameOf, CutsBetweenCharacters) {
  EXPECT_EQ(FrameOf({{"äöüß"}}, {.rows = 1, .columns = 3}), "\x1b[H\x1b[Käöü");
  EXPECT_EQ(FrameOf({{"äöü"}}, {.rows = 1, .columns = 3}), "\x1b[H\x1b[Käöü");
}

TEST(FrameOf, CountsWhatDoesNotFit) {
  EXPECT_EQ(FrameOf({{"one"}, {"two"}, {"three"}}, {.rows = 2, .columns = 40}),
            "\x1b[H\x1b[Kone\n\x1b[K2 more lines");
  EXPECT_EQ(FrameOf({{"one"}, {"two"}}, {.rows = 1, .columns = 40}), "\x1b[H\x1b[K2 more lines");
}

}  // namespace
}  // namespace penstock::cli
