#include "libs/rocksdb/committer.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/rocksdb/testing.h"

namespace penstock::rocks {
namespace {

using testing::ElementsAre;

constexpr ColumnFamily kRows{0};

WriteBatch Put(absl::string_view key) {
  WriteBatch batch;
  batch.Put(kRows, key, "value");
  return batch;
}

// A disk whose writes take as long as the test wants.
struct GatedDisk {
  absl::Status Write(const WriteBatch& batch, Sync sync) {
    std::vector<std::string> keys;
    batch.ForEach([&](const WriteBatch::Write& write) { keys.emplace_back(write.key); });
    {
      MutexLock lock(mutex);
      writes.push_back(keys);
      syncs.push_back(sync);
      changed.NotifyAll();
      while (closed) changed.Wait(mutex);
    }
    return result;
  }
  void WaitForWrites(size_t count) {
    MutexLock lock(mutex);
    while (writes.size() < count) changed.Wait(mutex);
  }
  void OpenGate() {
    MutexLock lock(mutex);
    closed = false;
    changed.NotifyAll();
  }

  Mutex mutex;
  CondVar changed;
  bool closed ABSL_GUARDED_BY(mutex) = true;
  std::vector<std::vector<std::string>> writes;
  std::vector<Sync> syncs;
  absl::Status result;
};

class CommitterTest : public testing::Test {
 protected:
  // Runs on this thread until it waits for the committer.
  std::future<absl::Status> Commit(Committer& committer, absl::string_view key, Sync sync) {
    auto result = std::make_shared<std::promise<absl::Status>>();
    auto future = result->get_future();
    Spawn(InlineExecutor(threads_.io()), Finish(committer.Commit(Put(key), sync), result));
    return future;
  }

  static Awaitable<void> Finish(Awaitable<absl::Status> commit,
                                std::shared_ptr<std::promise<absl::Status>> result) {
    result->set_value(co_await std::move(commit));
  }

  Committer::Write Disk() {
    return [this](const WriteBatch& batch, Sync sync) { return disk_.Write(batch, sync); };
  }

  GatedDisk disk_;
  obs::Metrics metrics_;
  CoroutineThreads threads_;
};

TEST_F(CommitterTest, CompletesBatchesInTheOrderInWhichTheyTakeEffect) {
  Committer committer(Disk(), metrics_, {.store = "test"});
  auto blocking = Commit(committer, "0", Sync::kNo);
  disk_.WaitForWrites(1);
  int completed = 0;
  const auto complete = [&](WriteBatch& batch) {
    batch.Put(kRows, "completed " + std::to_string(++completed), "value");
  };
  std::vector<std::shared_ptr<std::promise<absl::Status>>> results;
  for (const char* key : {"a", "b"}) {
    results.push_back(std::make_shared<std::promise<absl::Status>>());
    Spawn(InlineExecutor(threads_.io()),
          Finish(committer.Commit(Put(key), Sync::kNo, complete), results.back()));
  }
  disk_.OpenGate();
  for (const auto& result : results) EXPECT_TRUE(result->get_future().get().ok());

  EXPECT_TRUE(blocking.get().ok());
  EXPECT_THAT(disk_.writes.at(1), ElementsAre("a", "completed 1", "b", "completed 2"));
}

TEST_F(CommitterTest, WritesTogetherWhatArrivedDuringTheWriteBefore) {
  Committer committer(Disk(), metrics_, {.store = "test"});

  auto first = Commit(committer, "1", Sync::kNo);
  disk_.WaitForWrites(1);
  auto second = Commit(committer, "2", Sync::kNo);
  auto third = Commit(committer, "3", Sync::kYes);
  auto fourth = Commit(committer, "4", Sync::kNo);
  disk_.OpenGate();

  for (auto* each : {&first, &second, &third, &fourth}) EXPECT_TRUE(each->get().ok());
  EXPECT_THAT(disk_.writes, ElementsAre(ElementsAre("1"), ElementsAre("2", "3", "4")));
  EXPECT_THAT(disk_.syncs, ElementsAre(Sync::kNo, Sync::kYes));
  EXPECT_THAT(
      metrics_.Render(),
      testing::AllOf(testing::HasSubstr("penstock_store_commit_batches_total{store=\"test\"} 2"),
                     testing::HasSubstr("penstock_store_commit_requests_total{store=\"test\"} 4"),
                     testing::HasSubstr("penstock_store_commit_syncs_total{store=\"test\"} 1")));
}

TEST_F(CommitterTest, AcknowledgesNothingAfterAFailedWrite) {
  disk_.OpenGate();
  disk_.result = absl::UnavailableError("disk full");
  std::atomic<int> fatal = 0;
  Committer committer(Disk(), metrics_, {.store = "test", .on_fatal = [&](const absl::Status& s) {
                                           EXPECT_EQ(s.message(), "disk full");
                                           ++fatal;
                                         }});

  EXPECT_EQ(ReasonOf(Commit(committer, "1", Sync::kYes).get()), "STORE_UNAVAILABLE");
  disk_.result = absl::OkStatus();
  EXPECT_EQ(ReasonOf(Commit(committer, "2", Sync::kYes).get()), "STORE_UNAVAILABLE");

  EXPECT_THAT(disk_.writes, ElementsAre(ElementsAre("1")));
  EXPECT_EQ(fatal, 1);
}

TEST_F(CommitterTest, WritesWhatIsQueuedBeforeItEnds) {
  std::future<absl::Status> first;
  std::future<absl::Status> second;
  {
    Committer committer(Disk(), metrics_, {.store = "test"});
    first = Commit(committer, "1", Sync::kYes);
    disk_.WaitForWrites(1);
    second = Commit(committer, "2", Sync::kYes);
    disk_.OpenGate();
  }

  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST(CommitterDeathTest, EndsTheProcessWhenAWriteFails) {
  EXPECT_DEATH(AbortOnFailedWrite(absl::UnavailableError("disk full")), "disk full");
}

}  // namespace
}  // namespace penstock::rocks
