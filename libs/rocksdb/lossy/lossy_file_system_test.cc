// A process with a database over the lossy file system is killed; what stands is read with the
// plain one.
#include "libs/rocksdb/lossy/lossy_file_system.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include "libs/rocksdb/testing.h"

#include "absl/strings/str_cat.h"

namespace penstock::rocks {
namespace {

using testing::Contains;
using testing::Not;

constexpr char kFolderOfTest[] = "PENSTOCK_LOSSY_TEST_FOLDER";

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

rocksdb::Options PlainOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

rocksdb::Env* LossyEnv() {
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<LossyFileSystem>(rocksdb::FileSystem::Default()))
          .release();
  return env;
}

void Check(const rocksdb::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::_Exit(1);
}

std::unique_ptr<rocksdb::DB> Open(const std::string& folder, rocksdb::Env* env) {
  rocksdb::Options options = PlainOptions();
  options.env = env;
  rocksdb::DB* db = nullptr;
  Check(rocksdb::DB::Open(options, folder, &db));
  return std::unique_ptr<rocksdb::DB>(db);
}

class LossyFileSystemTest : public testing::Test {
 protected:
  // The child is this program again (a process with RocksDB's threads cannot fork), so the folder
  // is told through the environment.
  LossyFileSystemTest() {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    if (const char* known = std::getenv(kFolderOfTest)) {
      folder_ = known;
    } else {
      made_.emplace();
      folder_ = made_->path();
      setenv(kFolderOfTest, folder_.c_str(), 1);
    }
  }
  ~LossyFileSystemTest() override {
    if (made_) unsetenv(kFolderOfTest);
  }

  // Runs `work` on a database over the lossy file system, in a process that is then killed.
  void DieAfter(const std::function<void(rocksdb::DB&)>& work) {
    EXPECT_EXIT(
        {
          const auto db = Open(folder_, LossyEnv());
          work(*db);
          kill(getpid(), SIGKILL);
        },
        testing::KilledBySignal(SIGKILL), "");
  }

  std::string Standing(const std::string& key) {
    const auto db = Open(folder_, rocksdb::Env::Default());
    std::string value;
    const rocksdb::Status status = db->Get(rocksdb::ReadOptions(), key, &value);
    return status.ok() ? value : status.ToString();
  }

  std::string Path(const char* name) const { return absl::StrCat(folder_, "/", name); }

  std::optional<TemporaryFolder> made_;
  std::string folder_;
};

TEST_F(LossyFileSystemTest, WhatWasSyncedStandsAndWhatWasNotIsLost) {
  DieAfter([](rocksdb::DB& db) {
    Check(db.Put(Synced(), "synced", "1"));
    Check(db.Put({}, "unsynced", "2"));
  });

  EXPECT_EQ(Standing("synced"), "1");
  EXPECT_EQ(Standing("unsynced"), "NotFound: ");
}

TEST_F(LossyFileSystemTest, ASyncTakesWhatWasWrittenBeforeItAlong) {
  DieAfter([](rocksdb::DB& db) {
    Check(db.Put({}, "before", "1"));
    Check(db.Put(Synced(), "synced", "2"));
  });

  EXPECT_EQ(Standing("before"), "1");
  EXPECT_EQ(Standing("synced"), "2");
}

TEST_F(LossyFileSystemTest, TheProcessItselfReadsWhatItHasNotSynced) {
  DieAfter([](rocksdb::DB& db) {
    Check(db.Put({}, "unsynced", "1"));
    std::string value;
    Check(db.Get({}, "unsynced", &value));
    if (value != "1") std::_Exit(2);
  });
}

TEST_F(LossyFileSystemTest, AFlushedTableStands) {
  DieAfter([](rocksdb::DB& db) {
    Check(db.Put({}, "key", std::string(100000, 'v')));
    Check(db.Flush({}));
    std::string value;
    Check(db.Get({}, "key", &value));
    if (value.size() != 100000) std::_Exit(2);
  });

  EXPECT_EQ(Standing("key"), std::string(100000, 'v'));
}

TEST_F(LossyFileSystemTest, CompactionAndManyRestartsLoseNothingThatWasSynced) {
  for (int life = 0; life < 4; ++life) {
    setenv("PENSTOCK_LOSSY_TEST_LIFE", absl::StrCat(life).c_str(), 1);
    DieAfter([](rocksdb::DB& db) {
      const std::string now = std::getenv("PENSTOCK_LOSSY_TEST_LIFE");
      for (int i = 0; i < 100; ++i) Check(db.Put({}, absl::StrCat(now, "-", i), now));
      Check(db.Flush({}));
      Check(db.CompactRange({}, nullptr, nullptr));
      Check(db.Put(Synced(), absl::StrCat("last-", now), now));
      Check(db.Put({}, "lost", now));
    });
  }
  for (int life = 0; life < 4; ++life) {
    EXPECT_EQ(Standing(absl::StrCat(life, "-99")), absl::StrCat(life));
    EXPECT_EQ(Standing(absl::StrCat("last-", life)), absl::StrCat(life));
  }
  EXPECT_EQ(Standing("lost"), "NotFound: ");
}

TEST_F(LossyFileSystemTest, ADatabaseThatIsClosedAndOpenedAgainInOneLifeFindsEverything) {
  {
    const auto db = Open(folder_, LossyEnv());
    Check(db->Put({}, "unsynced", "1"));
  }
  const auto db = Open(folder_, LossyEnv());
  std::string value;
  Check(db->Get({}, "unsynced", &value));
  EXPECT_EQ(value, "1");
}

// Names, without a database over them.
class LossyNamesTest : public LossyFileSystemTest {
 protected:
  void Write(const char* name, const std::string& text, bool sync) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    Check(files_.NewWritableFile(Path(name), {}, &file, nullptr));
    Check(file->Append(text, {}, nullptr));
    if (sync) Check(file->Sync({}, nullptr));
    Check(file->Close({}, nullptr));
  }
  void Rename(const char* from, const char* to) {
    Check(files_.RenameFile(Path(from), Path(to), {}, nullptr));
  }
  // As the process sees it.
  std::string Seen(const char* name) {
    std::string text;
    const auto env = rocksdb::NewCompositeEnv(
        std::shared_ptr<rocksdb::FileSystem>(&files_, [](rocksdb::FileSystem*) {}));
    const rocksdb::Status status = rocksdb::ReadFileToString(env.get(), Path(name), &text);
    return status.ok() ? text : "(none)";
  }
  // What a crash at this moment would leave.
  std::string Left(const char* name) const {
    std::ifstream file(Path(name));
    if (!file) return "(none)";
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void SyncFolder() {
    std::unique_ptr<rocksdb::FSDirectory> folder;
    Check(files_.NewDirectory(folder_ + "/", {}, &folder, nullptr));
    Check(folder->Fsync({}, nullptr));
  }

  LossyFileSystem files_{rocksdb::FileSystem::Default()};
};

TEST_F(LossyNamesTest, ANewFileHasNoNameUntilItsFolderIsSynced) {
  Write("a", "text", /*sync=*/true);
  EXPECT_EQ(Seen("a"), "text");
  EXPECT_EQ(Left("a"), "(none)");

  SyncFolder();
  EXPECT_EQ(Seen("a"), "text");
  EXPECT_EQ(Left("a"), "text");
}

TEST_F(LossyNamesTest, ClosingSyncsNothing) {
  Write("a", "text", /*sync=*/false);
  SyncFolder();

  EXPECT_EQ(Seen("a"), "text");
  EXPECT_EQ(Left("a"), "");
}

TEST_F(LossyNamesTest, ARenameIsUndoneUntilTheFolderIsSynced) {
  Write("CURRENT", "old", /*sync=*/true);
  SyncFolder();
  Write("new", "new", /*sync=*/true);
  Rename("new", "CURRENT");
  EXPECT_EQ(Seen("CURRENT"), "new");
  EXPECT_EQ(Seen("new"), "(none)");
  EXPECT_EQ(Left("CURRENT"), "old");

  SyncFolder();
  EXPECT_EQ(Left("CURRENT"), "new");
  EXPECT_EQ(Left("new"), "(none)");
}

TEST_F(LossyNamesTest, AFileOnDiskKeepsItsOldNameThereUntilTheFolderIsSynced) {
  Write("a", "text", /*sync=*/true);
  SyncFolder();
  Rename("a", "b");
  std::vector<std::string> names;
  Check(files_.GetChildren(folder_, {}, &names, nullptr));
  EXPECT_THAT(names, Contains("b"));
  EXPECT_THAT(names, Not(Contains("a")));
  EXPECT_EQ(Seen("b"), "text");
  EXPECT_EQ(Left("a"), "text");

  SyncFolder();
  EXPECT_EQ(Left("a"), "(none)");
  EXPECT_EQ(Left("b"), "text");
}

TEST_F(LossyNamesTest, DeletedIsGoneWhereverItWas) {
  Write("a", "old", /*sync=*/true);
  Write("b", "other", /*sync=*/true);
  SyncFolder();
  Rename("b", "a");
  Check(files_.DeleteFile(Path("a"), {}, nullptr));
  EXPECT_EQ(Seen("a"), "(none)");

  SyncFolder();
  EXPECT_EQ(Left("a"), "(none)");
  EXPECT_EQ(Left("b"), "(none)");
}

TEST_F(LossyNamesTest, BytesBehindTheLastSyncAreLostAndReadTogetherWithThoseBefore) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  Check(files_.NewWritableFile(Path("a"), {}, &file, nullptr));
  SyncFolder();
  Check(file->Append("synced", {}, nullptr));
  Check(file->Sync({}, nullptr));
  Check(file->Append(" and not", {}, nullptr));

  EXPECT_EQ(Seen("a"), "synced and not");
  EXPECT_EQ(Left("a"), "synced");
  Check(file->Truncate(3, {}, nullptr));
  EXPECT_EQ(Seen("a"), "syn");
}

}  // namespace
}  // namespace penstock::rocks
