// The keys of STORAGE.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/rocksdb/database.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::memory_recall {

// In the order of MemoryColumnFamilies().
inline constexpr rocks::ColumnFamily kMemories{0};
inline constexpr rocks::ColumnFamily kRanking{1};
inline constexpr rocks::ColumnFamily kIngested{2};
inline constexpr rocks::ColumnFamily kTurns{3};
inline constexpr rocks::ColumnFamily kRequests{4};
inline constexpr rocks::ColumnFamily kCounts{5};
inline constexpr rocks::ColumnFamily kDue{6};

// `user` is the 16 bytes of a UserKey in all of these, `id` a canonical UUID.

// Families memories and ranking; newest first.
std::string NewestFirstKey(absl::string_view user, absl::string_view id);
std::string IdOfNewestFirstKey(absl::string_view key);

// Family ingested; oldest first.
std::string OldestFirstKey(absl::string_view user, absl::string_view id);
std::string IdOfOldestFirstKey(absl::string_view key);

// Families turns and requests: by the first 16 bytes of the SHA-256 of the name.
std::string HashedKey(absl::string_view user, absl::string_view name);

// Family due.
enum class DueKind : uint8_t { kMemory = 1, kRequest = 2 };

struct Due {
  DueKind kind;
  std::string user;
  // 16 bytes: of the id, or of the hash.
  std::string what;
};

std::string DueKey(absl::Time when, DueKind kind, absl::string_view user, absl::string_view what);
// The first key that is not due yet at `now`.
std::string DueEnd(absl::Time now);
// nullopt when it is none.
std::optional<Due> ParseDueKey(absl::string_view key);

}  // namespace penstock::memory_recall
