// The journal in one RocksDB: one owner of all shards. JOURNAL.md has the layout.
#pragma once

#include <memory>
#include <string>

#include "libs/async/bounded_executor.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "libs/rocksdb/committer.h"
#include "libs/rocksdb/database.h"
#include "libs/rocksdb/key_locks.h"
#include "services/dispatcher/queue/journal.h"

namespace penstock::dispatcher {

struct RocksJournalOptions {
  // Folder of the database, "{data_dir}/dispatcher"; made when it is missing.
  std::string path;
  int64_t block_cache_bytes = int64_t{64} << 20;
  // journal.sync.
  bool sync = true;
  // What a failed write ends with; tests put another in its place.
  absl::AnyInvocable<void(const absl::Status&)> on_fatal = rocks::AbortOnFailedWrite;
};

// All shards get the same epoch, for they are opened together.
class RocksJournal : public Journal {
 public:
  // Blocks. Errors: rocks::Database::Open's. `reads` runs what would block, and must outlive it.
  static absl::StatusOr<std::unique_ptr<RocksJournal>> Create(RocksJournalOptions options,
                                                              BoundedExecutor& reads,
                                                              obs::Metrics& metrics);

  Awaitable<absl::StatusOr<std::vector<RecoveredShard>>> Open(int shards) override;
  Awaitable<absl::Status> AppendSubmitted(identity::UserKey user, v1::Submitted submitted,
                                          WithSubmitted also) override;
  Awaitable<absl::Status> AppendStarted(identity::UserKey user, std::string turn_id,
                                        v1::Started started) override;
  Awaitable<absl::Status> AppendCancelRequested(identity::UserKey user, std::string turn_id,
                                                v1::CancelRequested cancel) override;
  Awaitable<absl::Status> AppendToolResults(identity::UserKey user, TurnIds ids,
                                            v1::ToolResults results) override;
  Awaitable<absl::Status> AppendGenerated(identity::UserKey user, std::string turn_id,
                                          v1::Generated generated) override;
  Awaitable<absl::Status> Settle(identity::UserKey user, v1::Submitted submitted,
                                 std::vector<v1::ToolResults> tool_results, v1::UsageRow usage,
                                 std::vector<v1::Job> jobs, absl::Time request_id_expires,
                                 Counting counters) override;
  Awaitable<absl::Status> FinishJob(identity::UserKey user, std::string turn_id,
                                    v1::Job::Kind kind) override;
  Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> LookupRequestId(
      identity::UserKey user, std::string request_id, absl::Time now) override;
  Awaitable<absl::StatusOr<v1::UserCounters>> LoadCounters(identity::UserKey user) override;
  Awaitable<absl::StatusOr<v1::TenantCounters>> LoadTenantCounters(std::string tenant) override;
  Awaitable<absl::StatusOr<std::optional<v1::UsageRow>>> LoadUsage(identity::UserKey user,
                                                                   std::string turn_id) override;
  Awaitable<absl::StatusOr<int64_t>> SweepRequestIds(absl::Time now, int64_t limit) override;

 private:
  RocksJournal(std::unique_ptr<rocks::Database> database, BoundedExecutor& reads,
               obs::Metrics& metrics, absl::AnyInvocable<void(const absl::Status&)> on_fatal);

  // Adds the row of a request id whose turn has ended.
  void LetExpire(rocks::WriteBatch& batch, const std::string& idem_key, v1::RequestIdRow row,
                 absl::Time expires);
  // Raises the epoch, synced, and answers it.
  Awaitable<absl::StatusOr<int64_t>> RaiseEpoch();
  // Removes one key of the family `due`, and its request id if that has expired by `now`; true
  // then.
  Awaitable<absl::StatusOr<bool>> SweepOne(std::string due_key, absl::Time now);

  const std::unique_ptr<rocks::Database> database_;
  BoundedExecutor& reads_;
  rocks::Committer committer_;
  // By key of a request-id row: a sweep must not remove a row that is being written anew.
  rocks::KeyLocks request_ids_;

  Mutex mutex_;
  // No key of `due` before this one is left. Seeking past the removed ones would be slow.
  std::string swept_through_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
