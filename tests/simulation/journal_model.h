// The dispatcher's journal over a modelled disk: keys, records and recovery are those of the
// RocksDB journal, the database and its committer are modelled.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/rocksdb/write_batch.h"
#include "services/dispatcher/queue/journal.h"
#include "tests/simulation/life.h"

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace penstock::simulation {

// Column families of what was written. A loss of power takes any number of the newest writes that
// were not synced. Not thread-safe.
class Disk {
 public:
  using Family = std::map<std::string, std::string, std::less<>>;

  const Family& Of(rocks::ColumnFamily family) const {
    return families_[static_cast<size_t>(family)];
  }
  void Put(rocks::ColumnFamily family, std::string key, std::string value);
  void Delete(rocks::ColumnFamily family, const std::string& key);

  // What was written since the last call is one batch.
  void EndBatch();
  void Sync() { unsynced_.clear(); }
  void Clear(rocks::ColumnFamily family) { families_[static_cast<size_t>(family)].clear(); }
  void LosePower(Chance& chance);

 private:
  struct Before {
    rocks::ColumnFamily family;
    std::string key;
    std::optional<std::string> value;
  };
  using Batch = std::vector<Before>;

  std::array<Family, 8> families_;
  Batch batch_;
  std::vector<Batch> unsynced_;
};

// One owner's view of the disk, for as long as it lives. As rocks::Committer it writes all that
// arrived during the last write as one, and syncs once if anybody asks for it. Thread-safe without
// a life; then every operation is whole at once.
class JournalModel : public dispatcher::Journal {
 public:
  // `life`: null: none. Both outlive it.
  JournalModel(Disk& disk, Life* life) : disk_(disk), life_(life) {}

  // The disk belongs to somebody else now: what is asked from now on is never answered.
  void Freeze() { frozen_ = true; }

  Awaitable<absl::StatusOr<std::vector<dispatcher::RecoveredShard>>> Open(int shards) override;
  Awaitable<absl::Status> AppendSubmitted(identity::UserKey user,
                                          dispatcher::v1::Submitted submitted,
                                          dispatcher::WithSubmitted also) override;
  Awaitable<absl::Status> AppendStarted(identity::UserKey user, std::string turn_id,
                                        dispatcher::v1::Started started) override;
  Awaitable<absl::Status> AppendCancelRequested(identity::UserKey user, std::string turn_id,
                                                dispatcher::v1::CancelRequested cancel) override;
  Awaitable<absl::Status> AppendToolResults(identity::UserKey user, TurnIds ids,
                                            dispatcher::v1::ToolResults results) override;
  Awaitable<absl::Status> AppendGenerated(identity::UserKey user, std::string turn_id,
                                          dispatcher::v1::Generated generated) override;
  Awaitable<absl::Status> Settle(identity::UserKey user, dispatcher::v1::Submitted submitted,
                                 std::vector<dispatcher::v1::ToolResults> tool_results,
                                 dispatcher::v1::UsageRow usage,
                                 std::vector<dispatcher::v1::Job> jobs,
                                 absl::Time request_id_expires,
                                 dispatcher::Counting counters) override;
  Awaitable<absl::Status> FinishJob(identity::UserKey user, std::string turn_id,
                                    dispatcher::v1::Job::Kind kind) override;
  Awaitable<absl::StatusOr<std::optional<dispatcher::v1::RequestIdRow>>> LookupRequestId(
      identity::UserKey user, std::string request_id, absl::Time now) override;
  Awaitable<absl::StatusOr<dispatcher::v1::UserCounters>> LoadCounters(
      identity::UserKey user) override;
  Awaitable<absl::StatusOr<dispatcher::v1::TenantCounters>> LoadTenantCounters(
      std::string tenant) override;
  Awaitable<absl::StatusOr<std::optional<dispatcher::v1::UsageRow>>> LoadUsage(
      identity::UserKey user, std::string turn_id) override;
  Awaitable<absl::StatusOr<int64_t>> SweepRequestIds(absl::Time now, int64_t limit) override;

 private:
  // Changes the disk, at once and whole.
  using Change = absl::AnyInvocable<void(Disk&)>;
  struct Waiting {
    Change change;
    std::shared_ptr<OneShot<absl::Status>> written;
    bool sync = false;
  };

  Awaitable<absl::Status> Commit(Change change, bool sync);
  // All that waits.
  void WriteNext();
  // Now and then a read misses the cache.
  Awaitable<absl::Status> Read();
  Awaitable<absl::Status> PutTurnRecord(std::string key,
                                        const google::protobuf::MessageLite& record, bool sync);

  Disk& disk_;
  Life* const life_;
  bool frozen_ = false;
  bool writing_ = false;
  std::vector<Waiting> waiting_;
  Mutex mutex_;
};

struct RowCounts {
  int64_t unfinished_turns = 0;
  int64_t jobs = 0;
  int64_t request_ids = 0;
  int64_t due = 0;
  int64_t usage = 0;
};
RowCounts CountRows(const Disk& disk);

// Name of the turn that a request id stands for; empty: none.
std::string TurnOfRequest(const Disk& disk, const identity::UserKey& user,
                          const std::string& request_id);
bool HasUsage(const Disk& disk, const identity::UserKey& user, const std::string& turn_id);
// The ledger grows for ever, as it should.
void ForgetUsage(Disk& disk);

}  // namespace penstock::simulation
