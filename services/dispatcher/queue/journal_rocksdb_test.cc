#include "services/dispatcher/queue/journal_rocksdb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/dispatcher/queue/journal_conformance.h"
#include "services/dispatcher/queue/journal_keys.h"

namespace penstock::dispatcher {
namespace {

using testing::HasSubstr;

class RocksBackend : public JournalBackend {
 public:
  Journal& Reopen() override {
    journal_.reset();
    metrics_ = std::make_unique<obs::Metrics>();
    auto journal = RocksJournal::Create({.path = folder_.path(), .block_cache_bytes = 8 << 20},
                                        reads_, *metrics_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    return *journal_;
  }

 private:
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 100};
  std::unique_ptr<obs::Metrics> metrics_;
  std::unique_ptr<RocksJournal> journal_;
};

INSTANTIATE_TEST_SUITE_P(Rocks, JournalConformance,
                         testing::Values([]() -> std::unique_ptr<JournalBackend> {
                           return std::make_unique<RocksBackend>();
                         }));
class RocksJournalTest : public testing::Test {
 protected:
  void Open(bool sync = true) {
    journal_.reset();
    auto journal = RocksJournal::Create({.path = folder_.path(), .sync = sync}, reads_, metrics_);
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
  }
  // Writes bytes beside the journal, as a bug or a broken disk would.
  void Corrupt(rocks::ColumnFamily family, const std::string& key, const std::string& value) {
    journal_.reset();
    auto database = rocks::Database::Open(folder_.path(),
                                          {.column_families = {{.name = "turn"},
                                                               {.name = "idem"},
                                                               {.name = "counter"},
                                                               {.name = "job"},
                                                               {.name = "usage"},
                                                               {.name = "meta"},
                                                               {.name = "due"}}},
                                          reads_);
    ASSERT_TRUE(database.ok()) << database.status();
    rocks::WriteBatch batch;
    batch.Put(family, key, value);
    ASSERT_TRUE((*database)->Write(batch, rocks::Sync::kNo).ok());
  }

  rocks::TemporaryFolder folder_;
  rocks::CoroutineThreads threads_;
  BoundedExecutor reads_{2, 100};
  obs::Metrics metrics_;
  std::unique_ptr<RocksJournal> journal_;
  const identity::UserKey user_ = identity::UserKeyForTest("acme", "u1");
};

TEST_F(RocksJournalTest, SaysWhichRecordCannotBeRead) {
  Open();
  Corrupt(kTurnFamily, TurnKey(user_, "t1", TurnRecord::kSubmitted), "garbage");
  Open();

  const auto opened = threads_.Await(journal_->Open(1));

  EXPECT_FALSE(opened.ok());
  EXPECT_THAT(opened.status().message(), HasSubstr("journal: record turn/"));
}

TEST_F(RocksJournalTest, RefusesARecordUnderAnotherUsersKey) {
  v1::Submitted submitted;
  submitted.set_tenant("acme");
  submitted.set_user("u2");
  submitted.set_turn_id("t1");
  Open();
  Corrupt(kTurnFamily, TurnKey(user_, "t1", TurnRecord::kSubmitted),
          rocks::Frame(kRecordVersion, submitted));
  Open();

  const auto opened = threads_.Await(journal_->Open(1));

  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(opened.status().message(), HasSubstr("tenant and user"));
}

TEST_F(RocksJournalTest, SyncsWhatIsAcknowledgedAndNothingElse) {
  Open();
  ASSERT_TRUE(threads_.Await(journal_->Open(1)).ok());
  const auto syncs = [&] {
    return metrics_.AddCounter("penstock_store_commit_syncs_total", "", {{"store", "dispatcher"}})
        .Value();
  };
  const double at_open = syncs();
  v1::Submitted submitted;
  submitted.set_turn_id("t1");

  threads_.Await(journal_->AppendSubmitted(user_, submitted, {})).IgnoreError();
  EXPECT_EQ(syncs(), at_open + 1);
  threads_.Await(journal_->AppendStarted(user_, "t1", {})).IgnoreError();
  EXPECT_EQ(syncs(), at_open + 1);
  threads_.Await(journal_->AppendCancelRequested(user_, "t1", {})).IgnoreError();
  threads_.Await(journal_->AppendGenerated(user_, "t1", {})).IgnoreError();
  EXPECT_EQ(syncs(), at_open + 3);
  threads_.Await(journal_->Settle(user_, submitted, {}, {}, {}, absl::UnixEpoch(), nullptr))
      .IgnoreError();
  threads_.Await(journal_->FinishJob(user_, "t1", v1::Job::INGEST)).IgnoreError();
  EXPECT_EQ(syncs(), at_open + 3);
}

TEST_F(RocksJournalTest, WithoutSyncATurnStillOutlivesTheProcess) {
  Open(/*sync=*/false);
  ASSERT_TRUE(threads_.Await(journal_->Open(1)).ok());
  v1::Submitted submitted;
  submitted.set_tenant("acme");
  submitted.set_user("u1");
  submitted.set_turn_id("t1");
  ASSERT_TRUE(threads_.Await(journal_->AppendSubmitted(user_, submitted, {})).ok());
  Open(/*sync=*/false);

  EXPECT_EQ(threads_.Await(journal_->Open(1))->at(0).turns.size(), 1u);
}

TEST(JournalKeys, ADueKeySortsByTimeAndHoldsTheKeyOfItsRow) {
  const auto user = identity::UserKeyForTest("acme", "u1");
  const std::string idem = IdemKey(user, "r1");
  const absl::Time now = absl::FromUnixMillis(1'700'000'000'123);

  EXPECT_EQ(IdemKeyOfDue(DueKey(now, idem)), idem);
  EXPECT_EQ(IdemKeyOfDue("short"), "");
  EXPECT_LT(DueKey(now, idem), DueEnd(now));
  EXPECT_GT(DueKey(now + absl::Milliseconds(1), idem), DueEnd(now));
  EXPECT_LT(TurnKey(user, "zzzz~", TurnRecord::kGenerated), EndOfKeys());
}

}  // namespace
}  // namespace penstock::dispatcher
