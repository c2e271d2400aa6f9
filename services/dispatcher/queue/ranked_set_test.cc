#include "services/dispatcher/queue/ranked_set.h"

#include <iterator>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

void ExpectSame(const RankedSet<int>& set, const std::set<int>& expected) {
  ASSERT_EQ(set.size(), expected.size());
  ASSERT_EQ(set.empty(), expected.empty());
  if (!expected.empty()) ASSERT_EQ(set.front(), *expected.begin());
  RankedSet<int>::Cursor cursor(set);
  size_t before = 0;
  const int* previous = nullptr;
  for (const int& key : expected) {
    ASSERT_NE(cursor.Peek(), nullptr);
    ASSERT_EQ(*cursor.Peek(), key);
    ASSERT_EQ(set.Before(key), before++);
    ASSERT_EQ(set.Previous(key) == nullptr, previous == nullptr);
    if (previous != nullptr) ASSERT_EQ(*set.Previous(key), *previous);
    previous = &key;
    cursor.Next();
  }
  ASSERT_EQ(cursor.Peek(), nullptr);
}

// Grows and shrinks by turns, so that chunks split, join and vanish.
void RunRandomly(int keys, int steps) {
  std::mt19937 random(7);
  RankedSet<int> set;
  std::set<int> expected;
  for (int step = 0; step < steps; ++step) {
    const int key = static_cast<int>(random() % static_cast<uint32_t>(keys));
    const bool grows = (step / keys) % 2 == 0;
    if (grows == expected.contains(key)) continue;
    if (grows) {
      set.Insert(key);
      expected.insert(key);
    } else {
      set.Erase(key);
      expected.erase(key);
    }
    if (step % (steps / 50) == 0) ExpectSame(set, expected);
  }
  ExpectSame(set, expected);
}

TEST(RankedSet, HoldsAndCountsWhatASetDoes) {
  RunRandomly(10, 1'000);
  RunRandomly(5'000, 50'000);
  // Beyond the number where chunks are larger.
  RunRandomly(30'000, 300'000);
}

TEST(RankedSet, IsRightInWhateverOrderKeysComeAndGo) {
  constexpr int kKeys = 3'000;
  for (const bool up : {true, false}) {
    RankedSet<int> set;
    std::set<int> expected;
    // Two runs, one inside the other.
    for (int i = 0; i < kKeys; ++i) {
      const int key = up ? i : 3 * kKeys - i;
      const int inner = up ? 2 * kKeys - i : kKeys + i;
      for (const int each : {key, inner}) {
        if (expected.insert(each).second) set.Insert(each);
      }
    }
    ExpectSame(set, expected);
    while (expected.size() > 10) {
      const int key = up ? *expected.begin() : *std::prev(expected.end());
      set.Erase(key);
      expected.erase(key);
    }
    ExpectSame(set, expected);
  }
}

TEST(RankedSet, CountsBeforeKeysThatAreNotInIt) {
  RankedSet<int> set;
  EXPECT_EQ(set.Before(5), 0);

  for (int key = 0; key < 2'000; key += 2) set.Insert(key);

  EXPECT_EQ(set.Before(-1), 0);
  EXPECT_EQ(set.Before(1'001), 501);
  EXPECT_EQ(set.Before(9'999), 1'000);
}

}  // namespace
}  // namespace penstock::dispatcher
