#include "services/memory_recall/memory_store_rocksdb.h"

#include <gmock/gmock.h>

#include "libs/identity/testing.h"
#include "libs/rocksdb/frame.h"
#include "services/memory_recall/memory_keys.h"
#include "services/memory_recall/memory_store_conformance.h"

namespace penstock::memory_recall {
namespace {

class RocksUnderTest : public StoreUnderTest {
 public:
  RocksUnderTest() { Open(); }
  ~RocksUnderTest() override { Close(); }

  MemoryStore& store() override { return *store_; }
  rocks::Database& database() { return *database_; }
  void Restart() override {
    Close();
    Open();
  }

 private:
  void Open() {
    auto opened = rocks::Database::Open(
        folder_.path(),
        {.column_families = MemoryColumnFamilies(), .block_cache_bytes = 8 << 20, .sync = false},
        reads_);
    if (!opened.ok()) std::abort();
    database_ = *std::move(opened);
    committer_ = std::make_unique<rocks::Committer>(*database_, metrics_,
                                                    rocks::CommitterOptions{.store = "memory"});
    store_ = std::make_unique<RocksMemoryStore>(*database_, *committer_);
  }
  void Close() {
    store_.reset();
    committer_.reset();
    database_.reset();
  }

  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 64};
  obs::Metrics metrics_;
  std::unique_ptr<rocks::Database> database_;
  std::unique_ptr<rocks::Committer> committer_;
  std::unique_ptr<RocksMemoryStore> store_;
};

INSTANTIATE_TEST_SUITE_P(RocksDb, MemoryStoreConformance, testing::Values(StoreFactory([] {
                           return std::make_unique<RocksUnderTest>();
                         })));

TEST(RocksMemoryStore, MakesARankingRecordAnewThatIsOldOrDamaged) {
  RocksUnderTest under_test;
  rocks::CoroutineThreads threads;
  const auto user = identity::UserKeyForTest("t", "u");
  NewMemory old = IngestedMemory(absl::FromUnixSeconds(1), "green tea");
  old.ranking.set_words_version(0);
  const NewMemory damaged = IngestedMemory(absl::FromUnixSeconds(2), "black coffee");
  ASSERT_TRUE(
      threads
          .Await(under_test.store().Ingest(
              user, {.turn = "sessions/s/turns/t", .memories = {old, damaged}, .max_memories = 10}))
          .ok());
  rocks::WriteBatch batch;
  batch.Put(kRanking, NewestFirstKey(user.bytes(), damaged.id), "\x07 no frame");
  ASSERT_TRUE(under_test.database().Write(batch, rocks::Sync::kNo).ok());

  const auto block = threads.Await(under_test.store().LoadBlock(user));

  ASSERT_TRUE(block.ok()) << block.status();
  EXPECT_EQ(block->size(), 2u);
  EXPECT_EQ(block->spoken_words(), 4u);
}

TEST(RocksMemoryStore, SweepsARowThatIsDamaged) {
  RocksUnderTest under_test;
  rocks::CoroutineThreads threads;
  rocks::WriteBatch batch;
  batch.Put(kDue, DueKey(absl::UnixEpoch(), DueKind{7}, std::string(16, 'u'), "x"), "");
  ASSERT_TRUE(under_test.database().Write(batch, rocks::Sync::kNo).ok());
  const absl::Time now = absl::FromUnixSeconds(1000);

  EXPECT_EQ(*threads.Await(under_test.store().Sweep(now, 10)), 1u);
  EXPECT_EQ(*threads.Await(under_test.store().Sweep(now, 10)), 0u);
}

TEST(RocksMemoryStore, LoadsABlockOfThousands) {
  RocksUnderTest under_test;
  rocks::CoroutineThreads threads;
  const auto user = identity::UserKeyForTest("t", "u");
  std::vector<NewMemory> memories;
  for (int i = 0; i < 3000; ++i) {
    memories.push_back(IngestedMemory(absl::FromUnixSeconds(i), "one two three"));
  }
  ASSERT_TRUE(threads
                  .Await(under_test.store().Ingest(user, {.turn = "sessions/s/turns/t",
                                                          .memories = std::move(memories),
                                                          .max_memories = 5000}))
                  .ok());

  const auto block = threads.Await(under_test.store().LoadBlock(user));

  EXPECT_EQ(block->size(), 3000u);
}

}  // namespace
}  // namespace penstock::memory_recall
