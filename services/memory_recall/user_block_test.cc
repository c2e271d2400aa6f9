#include "services/memory_recall/user_block.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

MemoryFeatures Features(int id, int second, absl::string_view session,
                        std::vector<WordCount> words) {
  return {.id = absl::StrCat("m", id),
          .create_time = absl::FromUnixSeconds(second),
          .session = std::string(session),
          .words = std::move(words)};
}

const UserBlock::Memory& Find(const UserBlock& block, absl::string_view id) {
  return *std::find_if(block.memories().begin(), block.memories().end(),
                       [&](const auto& memory) { return memory.id == id; });
}

std::string IdAt(const UserBlock& block, UserBlock::Slot slot) {
  return slot == UserBlock::kNone ? "" : block.memories()[slot].id;
}

std::vector<UserBlock::Word> WordsOf(const UserBlock& block, absl::string_view id) {
  const auto& memory = Find(block, id);
  const auto words = block.words().subspan(memory.first_word, memory.different_words);
  return {words.begin(), words.end()};
}

TEST(UserBlock, KnowsTheWordsOfItsMemories) {
  UserBlock block;
  block.Add(Features(1, 1, "s", {{.word = 7, .spoken = 2}, {.word = 8, .answer = 1000}}));
  block.Add(Features(2, 2, "s", {{.word = 9, .spoken = 1}}));

  EXPECT_THAT(WordsOf(block, "m1"), ElementsAre(7, 8));
  EXPECT_THAT(WordsOf(block, "m2"), ElementsAre(9));
  EXPECT_EQ(block.counts()[0].spoken, 2);
  EXPECT_EQ(block.counts()[1].answer, 255);
  EXPECT_EQ(block.spoken_words(), 3u);
  EXPECT_EQ(block.answer_words(), 1000u);
}

TEST(UserBlock, AddsAMemoryOnce) {
  UserBlock block;
  block.Add(Features(1, 1, "s", {{.word = 7, .spoken = 1}}));
  block.Add(Features(1, 1, "s", {{.word = 7, .spoken = 1}}));

  EXPECT_EQ(block.size(), 1u);
  EXPECT_THAT(block.words(), SizeIs(1));
}

TEST(UserBlock, GivesBackWhatRemovedMemoriesTook) {
  UserBlock block;
  for (int i = 0; i < 1000; ++i) {
    block.Add(Features(i, i, "s", {{.word = 7, .spoken = 1}, {.word = 8, .spoken = 1}}));
    if (i >= 10) block.Remove(absl::StrCat("m", i - 10));
  }

  EXPECT_EQ(block.size(), 10u);
  EXPECT_LT(block.words().size(), 40u);
  EXPECT_LT(block.memories().size(), 20u);
}

TEST(UserBlock, LinksTheMemoriesOfASessionInOrderOfTime) {
  UserBlock block;
  block.Add(Features(3, 30, "s", {}));
  block.Add(Features(1, 10, "s", {}));
  block.Add(Features(9, 15, "other", {}));
  block.Add(Features(8, 16, "", {}));
  block.Add(Features(2, 20, "s", {}));

  EXPECT_EQ(IdAt(block, Find(block, "m1").previous), "");
  EXPECT_EQ(IdAt(block, Find(block, "m1").next), "m2");
  EXPECT_EQ(IdAt(block, Find(block, "m2").next), "m3");
  EXPECT_EQ(IdAt(block, Find(block, "m3").previous), "m2");
  EXPECT_EQ(IdAt(block, Find(block, "m9").next), "");
  EXPECT_EQ(IdAt(block, Find(block, "m8").previous), "");

  block.Remove("m2");
  EXPECT_EQ(IdAt(block, Find(block, "m1").next), "m3");
  EXPECT_EQ(IdAt(block, Find(block, "m3").previous), "m1");
}

TEST(UserBlock, IsAsIfRemovedMemoriesHadNeverBeenThere) {
  EXPECT_TRUE(rc::check([] {
    UserBlock block;
    std::map<int, MemoryFeatures> expected;
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40))) {
      const int id = step % 10;
      if (step < 30) {
        auto features = Features(id, step, absl::StrCat("s", id % 2),
                                 {{.word = static_cast<uint64_t>(step), .spoken = 1},
                                  {.word = 100, .spoken = 2, .answer = 3}});
        expected.emplace(id, features);
        block.Add(std::move(features));
      } else {
        expected.erase(id);
        block.Remove(absl::StrCat("m", id));
      }
    }
    UserBlock fresh;
    for (auto& [id, features] : expected) fresh.Add(features);

    RC_ASSERT(block.size() == fresh.size());
    RC_ASSERT(block.spoken_words() == fresh.spoken_words());
    RC_ASSERT(block.answer_words() == fresh.answer_words());
    for (const auto& [id, features] : expected) {
      const auto& memory = Find(block, features.id);
      const auto& same = Find(fresh, features.id);
      RC_ASSERT(IdAt(block, memory.previous) == IdAt(fresh, same.previous));
      RC_ASSERT(IdAt(block, memory.next) == IdAt(fresh, same.next));
      RC_ASSERT(WordsOf(block, features.id) == WordsOf(fresh, features.id));
    }
  }));
}

}  // namespace
}  // namespace penstock::memory_recall
