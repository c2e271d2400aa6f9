// What is unfinished in the journal, read once at the start.
#pragma once

#include <cstdint>

#include "libs/rocksdb/database.h"
#include "services/dispatcher/queue/journal_reader.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

// Blocks while it reads all unfinished turns and jobs. JournalReader's errors, with the record's
// key.
absl::StatusOr<JournalRecovery> RecoverJournal(const rocks::Database& database, int shards,
                                               int64_t epoch);

}  // namespace penstock::dispatcher
