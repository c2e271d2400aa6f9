#include "services/memory_recall/text_pieces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "absl/strings/str_join.h"

namespace penstock::memory_recall {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TextPieces, OfAShortTextAreTheText) {
  EXPECT_THAT(SplitIntoPieces("Hello. You.", 100), ElementsAre("Hello. You."));
  EXPECT_THAT(SplitIntoPieces("", 100), IsEmpty());
}

TEST(TextPieces, EndWithAParagraphRatherThanASentence) {
  EXPECT_THAT(SplitIntoPieces("One two.\n\nThree. Four five six", 18),
              ElementsAre("One two.\n\n", "Three. Four five ", "six"));
}

TEST(TextPieces, EndWithASentenceRatherThanAWord) {
  EXPECT_THAT(SplitIntoPieces("One two. Three four", 12), ElementsAre("One two. ", "Three four"));
  EXPECT_THAT(SplitIntoPieces("我有一只狗。它叫旺财", 24), ElementsAre("我有一只狗。", "它叫旺财"));
}

TEST(TextPieces, NeverCutACharacter) {
  EXPECT_THAT(SplitIntoPieces("狗狗狗", 4), ElementsAre("狗", "狗", "狗"));
  EXPECT_EQ(PrefixOf("狗狗", 5), "狗");
  EXPECT_EQ(SuffixOf("狗狗", 5), "狗");
}

TEST(TextPieces, JoinedAreTheTextAndNoneIsTooLong) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const size_t max_bytes = *rc::gen::inRange<size_t>(4, 40);
    const auto pieces = SplitIntoPieces(text, max_bytes);
    RC_ASSERT(absl::StrJoin(pieces, "") == text);
    for (const auto piece : pieces) RC_ASSERT(!piece.empty() && piece.size() <= max_bytes);
  }));
}

}  // namespace
}  // namespace penstock::memory_recall
