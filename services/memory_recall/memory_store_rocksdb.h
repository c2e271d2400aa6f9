// Memories in RocksDB. Layout: STORAGE.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/rocksdb/committer.h"
#include "libs/rocksdb/database.h"
#include "libs/rocksdb/key_locks.h"
#include "services/memory_recall/memory_keys.h"
#include "services/memory_recall/memory_store.h"

namespace penstock::memory_recall {

// With which to open the database for this store.
std::vector<rocks::ColumnFamilyOptions> MemoryColumnFamilies();

// Writes of one user go one after another, those of different users together (group commit).
class RocksMemoryStore : public MemoryStore {
 public:
  // Both must outlive it.
  RocksMemoryStore(rocks::Database& database, rocks::Committer& committer)
      : database_(database), committer_(committer) {}

  Awaitable<absl::StatusOr<Ingested>> Ingest(identity::UserKey user, IngestArgs args) override;
  Awaitable<absl::StatusOr<Created>> Create(identity::UserKey user, CreateArgs args) override;
  Awaitable<absl::StatusOr<std::vector<chat::v1::Memory>>> Read(identity::UserKey user,
                                                                std::vector<std::string> ids,
                                                                absl::Time now) override;
  Awaitable<absl::StatusOr<Page>> List(identity::UserKey user, ListArgs args) override;
  Awaitable<absl::StatusOr<std::optional<chat::v1::Memory>>> Delete(identity::UserKey user,
                                                                    std::string id,
                                                                    absl::Time now) override;
  Awaitable<absl::StatusOr<UserBlock>> LoadBlock(identity::UserKey user) override;
  Awaitable<absl::StatusOr<size_t>> Sweep(absl::Time now, size_t limit) override;

 private:
  // The 16 bytes of a UserKey. The sweeper knows users by these alone.
  using User = std::string;

  // Parses what stands under `key` into `record`; false when there is nothing.
  Awaitable<absl::StatusOr<bool>> Load(rocks::ColumnFamily family, std::string key,
                                       google::protobuf::MessageLite& record);
  // The memory an earlier call with this request_id made; nullopt when there was none.
  Awaitable<absl::StatusOr<std::optional<Created>>> Replay(User user, const CreateArgs& args);
  // Up to `count` ids, oldest first.
  Awaitable<absl::StatusOr<std::vector<std::string>>> OldestIngested(User user, int64_t count);
  // Adds to `batch` what removes the oldest `count`, and takes them off `counts`.
  Awaitable<absl::StatusOr<std::vector<std::string>>> Evict(User user, int64_t count,
                                                            memory::v1::MemoryCounts& counts,
                                                            rocks::WriteBatch& batch);
  // Removes a row of family `due` and what it names; a row that is damaged, alone.
  Awaitable<absl::Status> SweepOne(std::string key, absl::Time now);
  // Add to `batch` what removes it, if it has expired. Its user is locked.
  Awaitable<absl::Status> SweepMemory(Due due, absl::Time now, rocks::WriteBatch& batch);
  Awaitable<absl::Status> SweepRequest(Due due, absl::Time now, rocks::WriteBatch& batch);
  // RankingRecords that cannot be used are made again from the memory.
  Awaitable<absl::Status> AddFromMemory(User user, std::string id, UserBlock& block);

  rocks::Database& database_;
  rocks::Committer& committer_;
  rocks::KeyLocks locks_;
};

}  // namespace penstock::memory_recall
