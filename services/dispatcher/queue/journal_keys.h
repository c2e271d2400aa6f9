// Column families and keys of the journal in RocksDB. JOURNAL.md describes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/identity/principal.h"
#include "libs/rocksdb/frame.h"
#include "libs/rocksdb/write_batch.h"
#include "penstock/dispatcher/v1/journal.pb.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

inline constexpr rocks::ColumnFamily kTurnFamily{0};
inline constexpr rocks::ColumnFamily kIdemFamily{1};
inline constexpr rocks::ColumnFamily kCounterFamily{2};
inline constexpr rocks::ColumnFamily kJobFamily{3};
inline constexpr rocks::ColumnFamily kUsageFamily{4};
inline constexpr rocks::ColumnFamily kMetaFamily{5};
inline constexpr rocks::ColumnFamily kDueFamily{6};

// Of every record; raised when old code would misunderstand it.
inline constexpr uint8_t kRecordVersion = 1;
inline constexpr rocks::RecordVersions kRecordVersions{.oldest_read = 1, .newest_read = 2};

inline constexpr absl::string_view kEpochKey = "epoch";

// The byte behind the turn id in a key of `turn`. Every one is below the characters of a turn id,
// so one turn's records stand together also when its id begins another's.
enum class TurnRecord : uint8_t {
  kSubmitted = 1,
  kStarted = 2,
  kCancelRequested = 3,
  kGenerated = 4,
  // Followed by the step; there may be many.
  kToolResults = 5
};
// Those of which a turn has one.
inline constexpr TurnRecord kTurnRecords[] = {TurnRecord::kSubmitted, TurnRecord::kStarted,
                                              TurnRecord::kCancelRequested, TurnRecord::kGenerated};

std::string TurnKey(const identity::UserKey& user, absl::string_view turn_id, TurnRecord record);
std::string ToolResultsKey(const identity::UserKey& user, absl::string_view turn_id, int32_t step);

// A key of `turn`, taken apart. The pieces are those of the key.
struct TurnKeyParts {
  // User and turn id.
  absl::string_view turn;
  TurnRecord record = TurnRecord::kSubmitted;
  // Of tool results.
  int32_t step = 0;
};
// Nullopt for what is no such key. A record of a kind that is unknown here has step 0.
std::optional<TurnKeyParts> ParseTurnKey(absl::string_view key);

std::string IdemKey(const identity::UserKey& user, absl::string_view request_id);
std::string CounterKey(const identity::UserKey& user);
// Of the family `meta`.
std::string TenantCounterKey(absl::string_view tenant);
std::string JobKey(const identity::UserKey& user, absl::string_view turn_id, v1::Job::Kind kind);
std::string UsageKey(const identity::UserKey& user, absl::string_view turn_id);
// Sorts by time; `idem_key` is what expires then.
std::string DueKey(absl::Time expires, absl::string_view idem_key);
// All keys of `due` before this one expire at or before `now`.
std::string DueEnd(absl::Time now);
// The key of the request-id row that a key of `due` stands for; empty when the key is too short.
absl::string_view IdemKeyOfDue(absl::string_view due_key);

// After every key of a family.
std::string EndOfKeys();

}  // namespace penstock::dispatcher
