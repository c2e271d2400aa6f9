// The key layout of session-state's store; STORAGE.md tells it in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/identity/principal.h"
#include "libs/rocksdb/database.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::session_state {

inline constexpr rocks::ColumnFamily kSessions{0};
inline constexpr rocks::ColumnFamily kTurns{1};
inline constexpr rocks::ColumnFamily kTurnIds{2};
inline constexpr rocks::ColumnFamily kSessionsByTime{3};
inline constexpr rocks::ColumnFamily kTurnsByTime{4};
inline constexpr rocks::ColumnFamily kCreates{5};
inline constexpr rocks::ColumnFamily kDue{6};
inline constexpr rocks::ColumnFamily kSteps{7};

std::vector<rocks::ColumnFamilyOptions> ColumnFamilies();

// 16 bytes for an id or request id: the first half of its SHA-256. The id itself stands in the
// value.
std::string Hash16(absl::string_view id);

// U16 S16: the key of a session, and what the keys of its turns begin with.
class SessionKey {
 public:
  static constexpr size_t kBytes = 32;

  SessionKey(const identity::UserKey& user, absl::string_view session_id);
  // Of 32 bytes out of another key.
  explicit SessionKey(absl::string_view bytes) : bytes_(bytes) {}

  const std::string& bytes() const { return bytes_; }
  absl::string_view user() const { return absl::string_view(bytes_).substr(0, 16); }
  absl::string_view session() const { return absl::string_view(bytes_).substr(16); }

 private:
  std::string bytes_;
};

// Of an ended or begun turn: U16 S16 ~sequence8 T16.
std::string TurnKey(const SessionKey& session, int64_t sequence, absl::string_view turn16);
// T16 at the end of a TurnKey or TurnIdKey.
absl::string_view TurnIdOfKey(absl::string_view key);
// U16 S16 T16.
std::string TurnIdKey(const SessionKey& session, absl::string_view turn16);
// U16 S16 T16 step4.
std::string StepKey(const SessionKey& session, absl::string_view turn16, int32_t step);
// U16 ~created8 S16.
std::string SessionByTimeKey(const SessionKey& session, absl::Time created);
// U16 ~created8 S16 ~sequence8 T16.
std::string TurnByTimeKey(const SessionKey& session, absl::Time created, int64_t sequence,
                          absl::string_view turn16);
// U16 R16.
std::string CreateKey(const identity::UserKey& user, absl::string_view request_id);

enum class DueKind : uint8_t { kSession = 1, kCreate = 2 };
// second8 kind1 and the key of what is due.
std::string DueKey(int64_t second, DueKind kind, absl::string_view key);
// The first second at which nothing that lasts until `time` is left.
int64_t DueSecond(absl::Time time);

}  // namespace penstock::session_state
