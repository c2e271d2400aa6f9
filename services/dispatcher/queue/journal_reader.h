// Puts what is unfinished together from the journal's stored records. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/rocksdb/write_batch.h"
#include "services/dispatcher/queue/journal.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

struct JournalRecovery {
  std::vector<RecoveredShard> shards;
  // Removes what belongs to no submitted turn: records that were written after its settle.
  rocks::WriteBatch orphans;
};

// Not thread-safe. Takes the records of the families `turn` and `job`, each family in order of its
// keys. DATA_LOSS for a record that is damaged, FAILED_PRECONDITION for one of a newer version.
class JournalReader {
 public:
  JournalReader(int shards, int64_t epoch);

  absl::Status ReadTurn(absl::string_view key, absl::string_view value);
  absl::Status ReadJob(absl::string_view key, absl::string_view value);
  JournalRecovery Finish() &&;

 private:
  // `turn`: the turn's keys, less what tells its records apart.
  absl::Status ReadSubmitted(absl::string_view turn, absl::string_view value);
  absl::Status ReadToolResults(int32_t step, absl::string_view value);
  RecoveredShard& ShardOf(const identity::UserKey& user);

  JournalRecovery result_;
  // The turn whose records are being read; valid until the next Submitted.
  UnfinishedTurn* turn_ = nullptr;
  // What the keys of its records begin with.
  std::string turn_prefix_;
};

}  // namespace penstock::dispatcher
