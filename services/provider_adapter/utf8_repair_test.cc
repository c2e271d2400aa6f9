#include "services/provider_adapter/utf8_repair.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace penstock::provider_adapter {
namespace {

std::string Repair(const std::vector<std::string>& pieces) {
  Utf8Repair repair;
  std::string text;
  for (const std::string& piece : pieces) {
    const absl::string_view whole = repair.Take(piece);
    text.append(whole.data(), whole.size());
  }
  const absl::string_view rest = repair.End();
  return text.append(rest.data(), rest.size());
}

TEST(Utf8Repair, PassesWholeTextUntouched) {
  const std::string text = "aé你😀";
  Utf8Repair repair;

  EXPECT_EQ(repair.Take(text).data(), text.data());
  EXPECT_EQ(repair.End(), "");
}

TEST(Utf8Repair, JoinsACharacterThatWasCut) {
  EXPECT_EQ(Repair({"a\xF0", "\x9F", "\x98\x80z"}), "a😀z");
}

TEST(Utf8Repair, OfAWholeTextIsThatOfItsPieces) {
  EXPECT_EQ(RepairUtf8("a你"), "a你");
  EXPECT_EQ(RepairUtf8("a\xFF\xE4\xBD"), "a\uFFFD\uFFFD");
}

TEST(Utf8Repair, ReplacesWhatIsNoCharacter) {
  EXPECT_EQ(Repair({"a\xFFz"}), "a\uFFFDz");
  EXPECT_EQ(Repair({"a\xC3z"}), "a\uFFFDz");
  EXPECT_EQ(Repair({"a\xE4\xBD", "z"}), "a\uFFFDz");
  EXPECT_EQ(Repair({"a\xE4\xBD"}), "a\uFFFD");
  // An overlong slash, a surrogate, a number above U+10FFFF.
  EXPECT_EQ(Repair({"\xC0\xAF"}), "\uFFFD\uFFFD");
  EXPECT_EQ(Repair({"\xED\xA0\x80"}), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(Repair({"\xF4\x90\x80\x80"}), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Utf8Repair, AnySplitGivesTheSameText) {
  EXPECT_TRUE(rc::check("split", [](const std::vector<std::string>& pieces) {
    std::string whole;
    for (const std::string& piece : pieces) whole += piece;

    RC_ASSERT(Repair(pieces) == Repair({whole}));
  }));
}

}  // namespace
}  // namespace penstock::provider_adapter
