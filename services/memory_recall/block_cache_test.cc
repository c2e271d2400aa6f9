#include "services/memory_recall/block_cache.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/testing.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

identity::UserKey User(int i) { return identity::UserKeyForTest("t", absl::StrCat("u", i)); }

UserBlock BlockWith(int memories) {
  UserBlock block;
  for (int i = 0; i < memories; ++i) block.Add({.id = absl::StrCat("m", i)});
  return block;
}

size_t SizeOf(const SharedBlock& block) {
  size_t size = 0;
  block.Read([&](const UserBlock& memories) { size = memories.size(); });
  return size;
}

class BlockCacheTest : public testing::Test {
 protected:
  void Load(BlockCache& cache, int user, int memories) {
    cache.Put(User(user), cache.BeginLoad(User(user)), BlockWith(memories));
  }

  obs::Metrics metrics_;
};

TEST_F(BlockCacheTest, KeepsABlock) {
  BlockCache cache(1 << 20, metrics_);
  EXPECT_EQ(cache.Find(User(1)), nullptr);

  Load(cache, 1, 3);

  ASSERT_NE(cache.Find(User(1)), nullptr);
  EXPECT_EQ(SizeOf(*cache.Find(User(1))), 3u);
  EXPECT_EQ(cache.Find(User(11)), nullptr);
}

TEST_F(BlockCacheTest, AppliesWrites) {
  BlockCache cache(1 << 20, metrics_);
  Load(cache, 1, 3);

  cache.Changed(User(1), {{.id = "new"}}, {"m0", "m1"});

  EXPECT_EQ(SizeOf(*cache.Find(User(1))), 2u);
}

TEST_F(BlockCacheTest, DoesNotKeepABlockThatWasReadDuringAWrite) {
  BlockCache cache(1 << 20, metrics_);
  const uint64_t load = cache.BeginLoad(User(1));
  cache.Changed(User(1), {{.id = "new"}}, {});

  const auto block = cache.Put(User(1), load, BlockWith(3));

  EXPECT_EQ(SizeOf(*block), 3u);
  EXPECT_EQ(cache.Find(User(1)), nullptr);
}

TEST_F(BlockCacheTest, DropsTheBlockUsedLongestAgo) {
  UserBlock one = BlockWith(100);
  BlockCache cache(2 * one.bytes() + 4096, metrics_);
  Load(cache, 1, 100);
  Load(cache, 2, 100);
  cache.Find(User(1));

  Load(cache, 3, 100);

  EXPECT_NE(cache.Find(User(1)), nullptr);
  EXPECT_EQ(cache.Find(User(2)), nullptr);
  EXPECT_NE(cache.Find(User(3)), nullptr);
}

TEST_F(BlockCacheTest, CountsWhatABlockGrowsBy) {
  BlockCache cache(4096, metrics_);
  Load(cache, 1, 1);
  std::vector<MemoryFeatures> many;
  for (int i = 0; i < 100; ++i) many.push_back({.id = absl::StrCat("new", i)});

  cache.Changed(User(1), std::move(many), {});

  EXPECT_EQ(cache.Find(User(1)), nullptr);
}

TEST_F(BlockCacheTest, BoundsEmptyBlocksToo) {
  BlockCache cache(10'000, metrics_);
  for (int i = 0; i < 1000; ++i) Load(cache, i, 0);

  int kept = 0;
  for (int i = 0; i < 1000; ++i) kept += cache.Find(User(i)) != nullptr ? 1 : 0;

  EXPECT_LT(kept, 30);
}

TEST_F(BlockCacheTest, IsUsedByManyThreads) {
  BlockCache cache(20'000, metrics_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const int user = i % 7;
        if (auto block = cache.Find(User(user))) {
          SizeOf(*block);
        } else {
          Load(cache, user, 5);
        }
        cache.Changed(User(user), {{.id = absl::StrCat("t", t, "-", i)}}, {"m0"});
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace penstock::memory_recall
