#include "services/memory_recall/bm25_ranker.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

struct Fact {
  std::string id;
  std::vector<WordCount> words;
  absl::Duration age = absl::Hours(1);
  std::string session = "";
  uint32_t text_bytes = 40;
  absl::Time expire_time = absl::InfiniteFuture();
};

UserBlock BlockOf(std::vector<Fact> facts) {
  UserBlock block;
  for (auto& fact : facts) {
    block.Add({.id = std::move(fact.id),
               .create_time = kNow - fact.age,
               .expire_time = fact.expire_time,
               .session = std::move(fact.session),
               .text_bytes = fact.text_bytes,
               .words = std::move(fact.words)});
  }
  return block;
}

RankQuery Query(std::vector<uint64_t> words) { return {.words = std::move(words), .now = kNow}; }

std::vector<std::string> Ids(const std::vector<RankedMemory>& ranked) {
  std::vector<std::string> ids;
  for (const auto& memory : ranked) ids.push_back(memory.id);
  return ids;
}

WordCount Said(uint64_t word, uint32_t times = 1) { return {.word = word, .spoken = times}; }
WordCount Answered(uint64_t word) { return {.word = word, .answer = 1}; }

TEST(Bm25Ranker, ScoresByTheFormulaOfItsHeader) {
  const Bm25Ranker ranker({.recency_weight = 0});
  const UserBlock block =
      BlockOf({{"a", {Said(1, 2), Said(2), Said(3)}}, {"b", {Said(1), Said(4)}}});
  const auto score = [](double tf, double df, double length) {
    return std::log(1 + (2 - df + 0.5) / (df + 0.5)) * tf * 2.2 /
           (tf + 1.2 * (0.25 + 0.75 * length / 3.0));
  };

  const auto ranked = ranker.Rank(block, Query({1}));

  ASSERT_THAT(Ids(ranked), ElementsAre("a", "b"));
  EXPECT_DOUBLE_EQ(ranked[0].score, 1);
  EXPECT_NEAR(ranked[1].score, score(1, 2, 2) / score(2, 2, 4), 1e-6);
}

TEST(Bm25Ranker, PrefersTheRareWord) {
  const UserBlock block =
      BlockOf({{"a", {Said(1), Said(9)}}, {"b", {Said(1), Said(8)}}, {"c", {Said(2), Said(7)}}});

  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, Query({1, 2}))), ElementsAre("c", "a", "b"));
}

TEST(Bm25Ranker, LeavesOutWhatHasNoWordInCommon) {
  const UserBlock block = BlockOf({{"a", {Said(1)}}, {"b", {Said(2)}}});

  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, Query({1}))), ElementsAre("a"));
  EXPECT_THAT(Bm25Ranker({}).Rank(block, Query({3})), IsEmpty());
  EXPECT_THAT(Bm25Ranker({}).Rank(UserBlock(), Query({3})), IsEmpty());
}

TEST(Bm25Ranker, FindsATurnByItsNeighboursAndPrefersTheTurnItself) {
  const UserBlock block = BlockOf({{"far", {Said(6)}, absl::Hours(5), "s"},
                                   {"before", {Said(7)}, absl::Hours(4), "s"},
                                   {"turn", {Said(1)}, absl::Hours(3), "s"},
                                   {"after", {Said(8)}, absl::Hours(2), "s"},
                                   {"elsewhere", {Said(9)}, absl::Hours(2), "other"}});

  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, Query({1}))), ElementsAre("turn", "after", "before"));
}

TEST(Bm25Ranker, CountsTheAnswerLessThanWhatTheUserSaid) {
  const UserBlock block =
      BlockOf({{"answer", {Answered(1), Said(5)}}, {"spoken", {Said(1), Said(5)}}});

  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, Query({1}))), ElementsAre("spoken", "answer"));
}

TEST(Bm25Ranker, LetsRecencyDecideBetweenEqualsOnly) {
  const UserBlock block = BlockOf({{"old", {Said(1)}, absl::Hours(2000)},
                                   {"new", {Said(1)}, absl::Hours(1)},
                                   {"old and better", {Said(1, 4)}, absl::Hours(2000)}});

  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, Query({1}))),
              ElementsAre("old and better", "new", "old"));
}

TEST(Bm25Ranker, HalvesTheRecencyTermEachHalfLife) {
  const Bm25Ranker ranker({.recency_half_life = absl::Hours(10), .recency_weight = 0.5});
  const UserBlock block = BlockOf({{"future", {Said(1)}, -absl::Hours(5)},
                                   {"one", {Said(1)}, absl::Hours(10)},
                                   {"two", {Said(1)}, absl::Hours(20)}});

  const auto ranked = ranker.Rank(block, Query({1}));

  ASSERT_THAT(Ids(ranked), ElementsAre("future", "one", "two"));
  EXPECT_DOUBLE_EQ(ranked[0].score, 1.5);
  EXPECT_DOUBLE_EQ(ranked[1].score, 1.25);
  EXPECT_DOUBLE_EQ(ranked[2].score, 1.125);
}

TEST(Bm25Ranker, OrdersEqualScoresNewestFirstThenById) {
  const Bm25Ranker ranker({.recency_weight = 0});
  const UserBlock block = BlockOf({{"c", {Said(1)}, absl::Hours(2)},
                                   {"b", {Said(1)}, absl::Hours(1)},
                                   {"a", {Said(1)}, absl::Hours(2)}});

  EXPECT_THAT(Ids(ranker.Rank(block, Query({1}))), ElementsAre("b", "a", "c"));
}

TEST(Bm25Ranker, LeavesOutTheExcludedSessionAndWhatHasExpired) {
  const UserBlock block = BlockOf({{"here", {Said(1)}, absl::Hours(1), "s"},
                                   {"there", {Said(1)}, absl::Hours(1), "other"},
                                   {"made", {Said(1)}, absl::Hours(1)},
                                   {.id = "gone", .words = {Said(1)}, .expire_time = kNow}});
  auto query = Query({1});
  query.exclude_session = "s";

  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, query)), ElementsAre("made", "there"));
}

TEST(Bm25Ranker, KeepsToItsBoundsAndPassesOverWhatDoesNotFit) {
  const UserBlock block = BlockOf({{"large", {Said(1, 3)}, absl::Hours(1), "", 4000},
                                   {"first", {Said(1, 2)}, absl::Hours(1), "", 100},
                                   {"second", {Said(1)}, absl::Hours(1), "", 100}});
  auto query = Query({1});

  query.max_tokens = 60;  // 100 bytes are 30 tokens
  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, query)), ElementsAre("first", "second"));
  query.max_tokens = 59;
  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, query)), ElementsAre("first"));
  query.max_tokens = 0;
  query.max_memories = 1;
  EXPECT_THAT(Ids(Bm25Ranker({}).Rank(block, query)), ElementsAre("large"));
}

TEST(Bm25Ranker, RanksTheSameWhateverTheOrderOfAdding) {
  EXPECT_TRUE(rc::check([] {
    std::vector<MemoryFeatures> all;
    const int count = *rc::gen::inRange(0, 30);
    for (int i = 0; i < count; ++i) {
      all.push_back({.id = absl::StrCat("m", i),
                     .create_time = kNow - absl::Minutes(*rc::gen::inRange(0, 5)),
                     .session = absl::StrCat(*rc::gen::inRange(0, 3)),
                     .words = {Said(*rc::gen::inRange<uint64_t>(0, 4)), Answered(9)}});
    }
    UserBlock forward;
    for (const auto& features : all) forward.Add(features);
    UserBlock backward;
    for (auto it = all.rbegin(); it != all.rend(); ++it) backward.Add(*it);

    const auto left = Bm25Ranker({}).Rank(forward, Query({1, 2, 9}));
    const auto right = Bm25Ranker({}).Rank(backward, Query({1, 2, 9}));

    RC_ASSERT(Ids(left) == Ids(right));
    RC_ASSERT(left.size() == std::min<size_t>(all.size(), 15));
    for (size_t i = 1; i < left.size(); ++i) RC_ASSERT(left[i - 1].score >= left[i].score);
  }));
}

}  // namespace
}  // namespace penstock::memory_recall
