#include "services/dispatcher/queue/journal_recovery.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "services/dispatcher/queue/journal_keys.h"

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using ReadOne = absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)>;

absl::Status ScanAll(const rocks::Database& database, rocks::ColumnFamily family,
                     absl::string_view name, ReadOne read) {
  absl::Status failed;
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    const absl::Status status = read(key, value);
    if (!status.ok()) {
      failed = absl::Status(status.code(),
                            absl::StrCat("journal: record ", name, "/", absl::BytesToHexString(key),
                                         ": ", status.message()));
    }
    return status.ok();
  };
  PENSTOCK_RETURN_IF_ERROR(database.ScanBlocking(family, "", EndOfKeys(), visit));
  return failed;
}

}  // namespace

absl::StatusOr<JournalRecovery> RecoverJournal(const rocks::Database& database, int shards,
                                               int64_t epoch) {
  JournalReader reader(shards, epoch);
  const auto read_turn = [&](absl::string_view key, absl::string_view value) {
    return reader.ReadTurn(key, value);
  };
  const auto read_job = [&](absl::string_view key, absl::string_view value) {
    return reader.ReadJob(key, value);
  };
  PENSTOCK_RETURN_IF_ERROR(ScanAll(database, kTurnFamily, "turn", read_turn));
  PENSTOCK_RETURN_IF_ERROR(ScanAll(database, kJobFamily, "job", read_job));
  return std::move(reader).Finish();
}

}  // namespace penstock::dispatcher
