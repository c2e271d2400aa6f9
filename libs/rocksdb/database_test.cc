#include "libs/rocksdb/database.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/rocksdb/committer.h"
#include "libs/rocksdb/key.h"
#include "libs/rocksdb/testing.h"

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace penstock::rocks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr ColumnFamily kPlain{0};
constexpr ColumnFamily kPrefixed{1};
constexpr ColumnFamily kRising{2};

Options TestOptions() {
  return {.column_families = {{.name = "plain"},
                              {.name = "prefixed", .prefix_bytes = 4, .min_blob_bytes = 4096},
                              {.name = "rising", .keys_rise = true}},
          .block_cache_bytes = 8 << 20};
}

class DatabaseTest : public testing::Test {
 protected:
  void Open() {
    auto opened = Database::Open(folder_.path(), TestOptions(), reads_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    db_ = *std::move(opened);
  }
  void Reopen() {
    db_.reset();
    Open();
  }
  void SetUp() override { Open(); }

  void Put(ColumnFamily family, absl::string_view key, absl::string_view value) {
    WriteBatch batch;
    batch.Put(family, key, value);
    ASSERT_TRUE(db_->Write(batch, Sync::kNo).ok());
  }

  std::string Get(ColumnFamily family, const std::string& key) {
    auto got = threads_.Await(db_->Get(family, key));
    EXPECT_TRUE(got.ok()) << got.status();
    return got->value_or("(none)");
  }

  std::vector<std::string> Keys(ColumnFamily family, const std::string& begin,
                                const std::string& end, size_t limit = 1 << 20) {
    std::vector<std::string> keys;
    auto visit = [&](absl::string_view key, absl::string_view) {
      keys.emplace_back(key);
      return keys.size() < limit;
    };
    const absl::Status status = threads_.Await(db_->Scan(family, begin, end, visit));
    EXPECT_TRUE(status.ok()) << status;
    return keys;
  }

  TemporaryFolder folder_;
  CoroutineThreads threads_;
  BoundedExecutor reads_{2, 16};
  std::unique_ptr<Database> db_;
};

TEST_F(DatabaseTest, ReadsWhatIsInMemoryAndWhatIsOnlyOnDisk) {
  Put(kPlain, "a", "1");
  const std::string large(10000, 'x');
  Put(kPrefixed, "usr1large", large);

  EXPECT_EQ(Get(kPlain, "a"), "1");
  EXPECT_EQ(Get(kPlain, "b"), "(none)");
  EXPECT_EQ(Get(kPrefixed, "usr1large"), large);
  Reopen();

  EXPECT_EQ(Get(kPlain, "a"), "1");
  EXPECT_EQ(Get(kPlain, "b"), "(none)");
  EXPECT_EQ(Get(kPrefixed, "usr1large"), large);
  EXPECT_EQ(db_->GetBlocking(kPlain, "a")->value(), "1");
}

TEST_F(DatabaseTest, ReadsManyAtOnceFromMemoryAndFromDisk) {
  const std::string large(8192, 'x');
  Put(kPrefixed, "user1", "on disk");
  Put(kPrefixed, "user2", large);
  Reopen();
  Put(kPrefixed, "user3", "in memory");

  for (int round = 0; round < 2; ++round) {
    const auto found =
        threads_.Await(db_->GetMany(kPrefixed, {"user3", "nobody", "user2", "user1", "user3"}));

    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_THAT(*found, ElementsAre("in memory", std::nullopt, large, "on disk", "in memory"));
  }
  EXPECT_THAT(*threads_.Await(db_->GetMany(kPrefixed, {})), ElementsAre());
}

TEST_F(DatabaseTest, ScansAPrefixInOrderAndNothingBeyond) {
  for (const char* key : {"usr1b", "usr1a", "usr2a", "usr0z", "usr1c"}) Put(kPrefixed, key, "v");

  for (int pass = 0; pass < 2; ++pass, Reopen()) {
    EXPECT_THAT(Keys(kPrefixed, "usr1", "usr2"), ElementsAre("usr1a", "usr1b", "usr1c"));
    EXPECT_THAT(Keys(kPrefixed, "usr1b", "usr1c"), ElementsAre("usr1b"));
    EXPECT_THAT(Keys(kPrefixed, "usr1", "usr2", 2), ElementsAre("usr1a", "usr1b"));
    EXPECT_THAT(Keys(kPrefixed, "u", "v"),
                ElementsAre("usr0z", "usr1a", "usr1b", "usr1c", "usr2a"));
  }
}

TEST_F(DatabaseTest, LongScansVisitEachRowOnce) {
  for (int i = 0; i < 3000; ++i) {
    Put(kPrefixed, absl::StrFormat("usr1%06d", i), std::string(i % 50 == 0 ? 5000 : 20, 'v'));
  }

  for (int pass = 0; pass < 3; ++pass) {
    const auto keys = Keys(kPrefixed, "usr1", "usr2");
    ASSERT_EQ(keys.size(), 3000u);
    for (int i = 0; i < 3000; ++i) EXPECT_EQ(keys[i], absl::StrFormat("usr1%06d", i));
    if (pass == 0) Reopen();  // the third pass finds part of the blocks in the cache
  }
}

TEST_F(DatabaseTest, AppliesABatchInItsOrder) {
  Put(kPlain, "a", "1");
  Put(kPlain, "b", "1");
  WriteBatch batch;
  batch.DeleteRange(kPlain, "a", "c");
  batch.Put(kPlain, "b", "2");
  batch.Put(kPrefixed, "usr1", "3");
  batch.Put(kPlain, "d", "4");
  batch.Delete(kPlain, "d");
  ASSERT_TRUE(db_->Write(batch, Sync::kYes).ok());

  EXPECT_THAT(Keys(kPlain, "", "z"), ElementsAre("b"));
  EXPECT_EQ(Get(kPlain, "b"), "2");
  EXPECT_EQ(Get(kPrefixed, "usr1"), "3");
}

TEST_F(DatabaseTest, CommitterMakesManyWritesDurable) {
  obs::Metrics metrics;
  {
    Committer committer(*db_, metrics, {.store = "test"});
    std::vector<std::future<absl::Status>> commits;
    for (int i = 0; i < 500; ++i) {
      WriteBatch batch;
      batch.Put(kPlain, absl::StrFormat("%03d", i), "v");
      commits.push_back(threads_.Start(committer.Commit(std::move(batch), Sync::kYes)));
    }
    for (auto& commit : commits) ASSERT_TRUE(commit.get().ok());
  }
  Reopen();

  EXPECT_EQ(Keys(kPlain, "", "z").size(), 500u);
}

// How many tables the folder holds.
int Tables(const std::string& folder) {
  int tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".sst") ++tables;
  }
  return tables;
}

TEST_F(DatabaseTest, TablesOfRisingKeysAreMerged) {
  constexpr int kFlushes = 40;  // opening writes what the log holds into a table
  for (int i = 0; i < kFlushes; ++i) {
    Put(kRising, absl::StrFormat("%06d", i), "v");
    Reopen();
  }

  for (int waited = 0; Tables(folder_.path()) > kFlushes / 4 && waited < 500; ++waited) {
    absl::SleepFor(absl::Milliseconds(20));
  }

  EXPECT_LE(Tables(folder_.path()), kFlushes / 4);
  EXPECT_THAT(Keys(kRising, "000000", "000099"), testing::SizeIs(kFlushes));
}

TEST_F(DatabaseTest, SaysThatAnotherProcessHasTheFolderOpen) {
  const absl::Status status = Database::Open(folder_.path(), TestOptions(), reads_).status();

  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("another process has it open; stop that process"));
}

TEST_F(DatabaseTest, SaysThatANewerVersionWroteTheFolder) {
  db_.reset();
  Options older = TestOptions();
  older.column_families.pop_back();

  const absl::Status status = Database::Open(folder_.path(), older, reads_).status();

  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("written by a newer version"));
}

// The write-ahead log that is not empty.
std::filesystem::path LogFile(const std::string& folder) {
  std::filesystem::path found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) found = entry.path();
  }
  return found;
}

TEST_F(DatabaseTest, DropsATornTailOfTheLog) {
  Put(kPlain, "a", "1");
  Put(kPlain, "b", std::string(500, '2'));
  TemporaryFolder crashed;
  std::filesystem::copy(
      folder_.path(), crashed.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  const auto log = LogFile(crashed.path());
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 100);

  auto opened = Database::Open(crashed.path(), TestOptions(), reads_);

  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->GetBlocking(kPlain, "a")->value_or(""), "1");
  EXPECT_FALSE((*opened)->GetBlocking(kPlain, "b")->has_value());
}

TEST_F(DatabaseTest, RefusesALogThatIsDamagedInside) {
  for (int i = 0; i < 100; ++i) Put(kPlain, absl::StrFormat("%d", i), std::string(1000, 'v'));
  TemporaryFolder crashed;
  std::filesystem::copy(
      folder_.path(), crashed.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  {
    std::fstream log(LogFile(crashed.path()), std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(20000);
    log << "damage";
  }

  const absl::Status status = Database::Open(crashed.path(), TestOptions(), reads_).status();

  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("restore it from a backup"));
}

}  // namespace
}  // namespace penstock::rocks
