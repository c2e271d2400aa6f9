#include "services/memory_recall/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <utf8proc.h>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> Query(absl::string_view text) {
  return SplitIntoWords(text, WordsOf::kQuery);
}
std::vector<std::string> Memory(absl::string_view text) {
  return SplitIntoWords(text, WordsOf::kMemory);
}

TEST(Words, AreRunsOfLettersAndDigits) {
  EXPECT_THAT(Query("vitamin B12, room 4-07!"), ElementsAre("vitamin", "b12", "room", "4", "07"));
}

TEST(Words, AreCaseFoldedInEveryScript) {
  EXPECT_EQ(Query("STRASSE ΣΊΣΥΦΟΣ МОСКВА"), Query("straße σίσυφοσ москва"));
}

TEST(Words, AreNormalised) {
  EXPECT_EQ(Query("caf\u00e9"), Query("cafe\u0301"));
  EXPECT_EQ(Query("Ｔｏｋｙｏ ２０２５"), Query("tokyo 2025"));
  EXPECT_EQ(Query("ｶﾞﾗｽ"), Query("ガラス"));
}

TEST(Words, OfEnglishAreStemmed) {
  EXPECT_EQ(Query("dogs barking"), Query("dog barked"));
  EXPECT_EQ(Query("allergies"), Query("allergy"));
}

TEST(Words, OfOtherAlphabetsAreStemmedByTheirScript) {
  EXPECT_EQ(Query("собаки"), Query("собака"));
}

TEST(Words, WithDigitsAreNotStemmed) { EXPECT_THAT(Query("b12ies"), ElementsAre("b12ies")); }

TEST(Words, LeaveFunctionWordsOut) {
  EXPECT_THAT(Query("What is the name of my dog?"), ElementsAre("name", "dog"));
  EXPECT_THAT(Query("Wie heißt mein Hund?"), ElementsAre("heisst", "hund"));
}

TEST(Words, LeaveContractionsAndElisionsOut) {
  EXPECT_THAT(Query("I'm sure she doesn't like the dog's food"),
              ElementsAre("sure", "like", "dog", "food"));
  EXPECT_THAT(Query("l’école d'Anne"), ElementsAre(Query("école")[0], Query("anne")[0]));
  EXPECT_THAT(Query("vitamin D"), ElementsAre("vitamin", "d"));
}

TEST(Words, OfScriptsWithoutSpacesAreBigrams) {
  EXPECT_THAT(Query("我的狗叫"), ElementsAre("我的", "的狗", "狗叫"));
  EXPECT_THAT(Query("ペットの犬"), ElementsAre("ペッ", "ット", "トの", "の犬"));
  EXPECT_THAT(Query("강아지는 귀여워"), ElementsAre("강아", "아지", "지는", "귀여", "여워"));
}

TEST(Words, KeepMarksWithTheirLetter) {
  EXPECT_THAT(Query("ที่นี่"), ElementsAre("ที่นี่"));
  EXPECT_THAT(Query("हिन्दी"), testing::SizeIs(1));
}

TEST(Words, OfACharacterAloneAreThatCharacter) { EXPECT_THAT(Query("狗"), ElementsAre("狗")); }

TEST(Words, OfAMemoryHoldEachIdeographSoThatOneCharacterFindsIt) {
  EXPECT_THAT(Memory("我的狗叫旺财"), Contains("狗"));
  EXPECT_THAT(Memory("ねこが好き"), Not(Contains("が")));
}

TEST(Words, MixScriptsInOneText) {
  EXPECT_THAT(Query("Python3で書く"), ElementsAre("python3", "で書", "書く"));
}

TEST(Words, AreSeparatedByBytesThatAreNoUtf8) {
  EXPECT_THAT(Query("dog\xff\xfe"
                    "cat \xe4\xb8 é"),
              ElementsAre("dog", "cat", "é"));
}

TEST(Words, OfNothingAreNone) {
  EXPECT_THAT(Query(""), IsEmpty());
  EXPECT_THAT(Query(" ,.!? 🐶\n"), IsEmpty());
}

TEST(Words, HaveStoredHashesThatNeverChange) {
  EXPECT_EQ(HashOfWord(""), 14695981039346656037u);
  EXPECT_EQ(HashOfWord("foobar"), 0x85944171f73967e8u);
}

// Any text: many scripts, case, punctuation and broken bytes.
std::string AnyText() {
  static const std::vector<std::string> kPieces = {
      "Dogs", "run", "É",  "ß", "'s", "l’",   " ",        ". ",     "我", "の",
      "ﾊﾟ",   "ที่",   "한", "я", "7",  "\xff", "\xe4\xb8", "\u0301", "🐶", "İ"};
  std::string text;
  for (const size_t i :
       *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, kPieces.size()))) {
    text += kPieces[i];
  }
  return text;
}

TEST(Words, AreValidAndNotEmptyWhateverTheText) {
  EXPECT_TRUE(rc::check([] {
    const std::string text = AnyText();
    for (const auto& word : Memory(text)) {
      RC_ASSERT(!word.empty());
      for (size_t at = 0; at < word.size();) {
        int32_t code_point = 0;
        const auto length =
            utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(word.data() + at),
                             static_cast<utf8proc_ssize_t>(word.size() - at), &code_point);
        RC_ASSERT(length > 0);
        at += static_cast<size_t>(length);
      }
    }
  }));
}

TEST(Words, OfAQueryAreWordsOfTheSameMemory) {
  EXPECT_TRUE(rc::check([] {
    const std::string text = AnyText();
    const auto memory = Memory(text);
    for (const auto& word : Query(text)) RC_ASSERT(absl::c_linear_search(memory, word));
  }));
}

TEST(Words, OfTwoTextsAreTheWordsOfBothJoinedByASpace) {
  EXPECT_TRUE(rc::check([] {
    const std::string left = AnyText();
    const std::string right = AnyText();
    auto both = Query(left);
    for (auto& word : Query(right)) both.push_back(word);
    RC_ASSERT(Query(absl::StrCat(left, " . ", right)) == both);
  }));
}

TEST(Words, OfAsciiAreTheSameWithoutTheShortCut) {
  EXPECT_TRUE(rc::check([](const std::string& any) {
    std::string ascii;
    for (const char c : any) ascii.push_back(static_cast<char>(c & 0x7f));
    auto expected = Query(ascii);
    expected.push_back("é");
    RC_ASSERT(Query(ascii + " é") == expected);
  }));
}

}  // namespace
}  // namespace penstock::memory_recall
