#include "services/dispatcher/queue/journal_rocksdb.h"

#include <algorithm>
#include <utility>

#include <google/protobuf/wrappers.pb.h>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/rocksdb/frame.h"
#include "services/dispatcher/queue/journal_keys.h"
#include "services/dispatcher/queue/journal_recovery.h"
#include "services/dispatcher/queue/shard_range.h"
#include "services/dispatcher/turn/event_index.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using rocks::Sync;
using rocks::WriteBatch;

std::string Framed(const google::protobuf::MessageLite& record) {
  return rocks::Frame(kRecordVersion, record);
}

// In whole milliseconds, rounded up, as the key of `due` has it.
absl::Time ToMilliseconds(absl::Time time) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), absl::Milliseconds(1));
}

bool IsExpired(const v1::RequestIdRow& row, absl::Time now) {
  return row.has_expire_time() && FromProto(row.expire_time()) <= now;
}

v1::RequestIdRow RowOf(const std::string& session_id, const std::string& turn_id,
                       const std::string& digest) {
  v1::RequestIdRow row;
  row.set_session_id(session_id);
  row.set_turn_id(turn_id);
  row.set_request_digest(digest);
  return row;
}

v1::RequestIdRow RowOf(const v1::Submitted& submitted) {
  return RowOf(submitted.session_id(), submitted.turn_id(), submitted.request_digest());
}

// A record, or nothing, out of what the database answered.
template <class Record>
absl::StatusOr<std::optional<Record>> Parsed(
    const absl::StatusOr<std::optional<std::string>>& stored) {
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return std::nullopt;
  Record record;
  PENSTOCK_RETURN_IF_ERROR(rocks::ParseFramed(**stored, kRecordVersions, record));
  return record;
}

// Adds the counters to a batch when its turn has come.
rocks::Committer::Complete AddCounters(identity::UserKey user, Counting counters) {
  if (!counters) return nullptr;
  return [user, counters = std::move(counters)](WriteBatch& batch) mutable {
    const CounterValues values = counters();
    if (values.user) batch.Put(kCounterFamily, CounterKey(user), Framed(*values.user));
    if (values.tenant) {
      batch.Put(kMetaFamily, TenantCounterKey(values.tenant->tenant()), Framed(*values.tenant));
    }
  };
}

rocks::Options DatabaseOptions(const RocksJournalOptions& options) {
  return {.column_families = {{.name = "turn"},
                              {.name = "idem"},
                              {.name = "counter"},
                              {.name = "job"},
                              {.name = "usage"},
                              {.name = "meta"},
                              {.name = "due", .keys_rise = true}},
          .block_cache_bytes = options.block_cache_bytes,
          .sync = options.sync};
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksJournal>> RocksJournal::Create(RocksJournalOptions options,
                                                                   BoundedExecutor& reads,
                                                                   obs::Metrics& metrics) {
  PENSTOCK_ASSIGN_OR_RETURN(auto database,
                            rocks::Database::Open(options.path, DatabaseOptions(options), reads));
  return std::unique_ptr<RocksJournal>(
      new RocksJournal(std::move(database), reads, metrics, std::move(options.on_fatal)));
}

RocksJournal::RocksJournal(std::unique_ptr<rocks::Database> database, BoundedExecutor& reads,
                           obs::Metrics& metrics,
                           absl::AnyInvocable<void(const absl::Status&)> on_fatal)
    : database_(std::move(database)),
      reads_(reads),
      committer_(*database_, metrics, {.store = "dispatcher", .on_fatal = std::move(on_fatal)}) {}

Awaitable<absl::StatusOr<std::vector<RecoveredShard>>> RocksJournal::Open(int shards) {
  if (shards < 1 || shards > kBuckets) {
    co_return absl::InvalidArgumentError(
        absl::StrCat("journal.shards: found ", shards, ", expected 1 to ", kBuckets));
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(const int64_t epoch, co_await RaiseEpoch());
  const rocks::Database& database = *database_;
  auto recovered = co_await reads_.Run(
      [&database, shards, epoch] { return RecoverJournal(database, shards, epoch); });
  if (!recovered.ok()) co_return std::move(recovered).status();
  PENSTOCK_CO_RETURN_IF_ERROR(co_await committer_.Commit(std::move(recovered->orphans), Sync::kNo));
  co_return std::move(recovered->shards);
}

Awaitable<absl::StatusOr<int64_t>> RocksJournal::RaiseEpoch() {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto stored,
                               Parsed<google::protobuf::Int64Value>(
                                   co_await database_->Get(kMetaFamily, std::string(kEpochKey))));
  if (stored && PENSTOCK_PLANTED_BUG("planted.epoch_kept")) co_return stored->value();
  google::protobuf::Int64Value epoch;
  epoch.set_value(stored ? stored->value() + 1 : 1);
  if (epoch.value() > kMaxEpoch) {
    co_return absl::ResourceExhaustedError(
        absl::StrCat("journal: epoch ", epoch.value(), " is above the last one, ", kMaxEpoch));
  }
  WriteBatch batch;
  batch.Put(kMetaFamily, kEpochKey, Framed(epoch));
  PENSTOCK_CO_RETURN_IF_ERROR(co_await committer_.Commit(std::move(batch), Sync::kYes));
  PENSTOCK_FAILPOINT("journal.after_epoch");
  co_return epoch.value();
}

Awaitable<absl::Status> RocksJournal::AppendSubmitted(identity::UserKey user,
                                                      v1::Submitted submitted, WithSubmitted also) {
  WriteBatch batch;
  batch.Put(kTurnFamily, TurnKey(user, submitted.turn_id(), TurnRecord::kSubmitted),
            Framed(submitted));
  if (!also.interrupted_turn.empty()) {
    batch.Put(kTurnFamily, TurnKey(user, also.interrupted_turn, TurnRecord::kCancelRequested),
              Framed(also.interruption));
  }
  auto counters = AddCounters(user, std::move(also.counters));
  if (submitted.request_id().empty()) {
    co_return co_await committer_.Commit(std::move(batch), Sync::kYes, std::move(counters));
  }
  const std::string idem_key = IdemKey(user, submitted.request_id());
  batch.Put(kIdemFamily, idem_key, Framed(RowOf(submitted)));
  const auto hold = co_await request_ids_.Lock(idem_key);
  PENSTOCK_FAILPOINT("journal.before_submitted");
  absl::Status status =
      co_await committer_.Commit(std::move(batch), Sync::kYes, std::move(counters));
  PENSTOCK_FAILPOINT("journal.after_submitted");
  co_return status;
}

Awaitable<absl::Status> RocksJournal::AppendStarted(identity::UserKey user, std::string turn_id,
                                                    v1::Started started) {
  WriteBatch batch;
  batch.Put(kTurnFamily, TurnKey(user, turn_id, TurnRecord::kStarted), Framed(started));
  co_return co_await committer_.Commit(std::move(batch), Sync::kNo);
}

Awaitable<absl::Status> RocksJournal::AppendCancelRequested(identity::UserKey user,
                                                            std::string turn_id,
                                                            v1::CancelRequested cancel) {
  WriteBatch batch;
  batch.Put(kTurnFamily, TurnKey(user, turn_id, TurnRecord::kCancelRequested), Framed(cancel));
  absl::Status status = co_await committer_.Commit(std::move(batch), Sync::kYes);
  PENSTOCK_FAILPOINT("journal.after_cancel");
  co_return status;
}

Awaitable<absl::Status> RocksJournal::AppendToolResults(identity::UserKey user, TurnIds ids,
                                                        v1::ToolResults results) {
  WriteBatch batch;
  batch.Put(kTurnFamily, ToolResultsKey(user, ids.turn, results.step()), Framed(results));
  if (results.request_id().empty()) {
    co_return co_await committer_.Commit(std::move(batch), Sync::kYes);
  }
  const std::string idem_key = IdemKey(user, results.request_id());
  batch.Put(kIdemFamily, idem_key, Framed(RowOf(ids.session, ids.turn, results.request_digest())));
  const auto hold = co_await request_ids_.Lock(idem_key);
  absl::Status status = co_await committer_.Commit(std::move(batch), Sync::kYes);
  PENSTOCK_FAILPOINT("journal.after_tool_results");
  co_return status;
}

Awaitable<absl::Status> RocksJournal::AppendGenerated(identity::UserKey user, std::string turn_id,
                                                      v1::Generated generated) {
  WriteBatch batch;
  batch.Put(kTurnFamily, TurnKey(user, turn_id, TurnRecord::kGenerated), Framed(generated));
  absl::Status status = co_await committer_.Commit(std::move(batch), Sync::kYes);
  PENSTOCK_FAILPOINT("journal.after_generated");
  co_return status;
}

Awaitable<absl::Status> RocksJournal::Settle(identity::UserKey user, v1::Submitted submitted,
                                             std::vector<v1::ToolResults> tool_results,
                                             v1::UsageRow usage, std::vector<v1::Job> jobs,
                                             absl::Time request_id_expires, Counting counters) {
  const std::string& turn_id = submitted.turn_id();
  WriteBatch batch;
  for (const TurnRecord record : kTurnRecords) {
    batch.Delete(kTurnFamily, TurnKey(user, turn_id, record));
  }
  batch.Put(kUsageFamily, UsageKey(user, turn_id), Framed(usage));
  for (const v1::Job& job : jobs) {
    batch.Put(kJobFamily, JobKey(user, turn_id, job.kind()), Framed(job));
  }
  const absl::Time expires = ToMilliseconds(request_id_expires);
  if (!submitted.request_id().empty()) {
    LetExpire(batch, IdemKey(user, submitted.request_id()), RowOf(submitted), expires);
  }
  for (const v1::ToolResults& results : tool_results) {
    batch.Delete(kTurnFamily, ToolResultsKey(user, turn_id, results.step()));
    if (results.request_id().empty()) continue;
    LetExpire(batch, IdemKey(user, results.request_id()),
              RowOf(submitted.session_id(), turn_id, results.request_digest()), expires);
  }
  PENSTOCK_FAILPOINT("journal.before_settle");
  absl::Status status = co_await committer_.Commit(std::move(batch), Sync::kNo,
                                                   AddCounters(user, std::move(counters)));
  PENSTOCK_FAILPOINT("journal.after_settle");
  co_return status;
}

void RocksJournal::LetExpire(WriteBatch& batch, const std::string& idem_key, v1::RequestIdRow row,
                             absl::Time expires) {
  *row.mutable_expire_time() = ToProto(expires);
  const std::string due_key = DueKey(expires, idem_key);
  batch.Put(kIdemFamily, idem_key, Framed(row));
  batch.Put(kDueFamily, due_key, "");
  MutexLock lock(mutex_);
  swept_through_ = std::min(swept_through_, due_key);
}

Awaitable<absl::Status> RocksJournal::FinishJob(identity::UserKey user, std::string turn_id,
                                                v1::Job::Kind kind) {
  WriteBatch batch;
  batch.Delete(kJobFamily, JobKey(user, turn_id, kind));
  co_return co_await committer_.Commit(std::move(batch), Sync::kNo);
}

Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> RocksJournal::LookupRequestId(
    identity::UserKey user, std::string request_id, absl::Time now) {
  if (PENSTOCK_PLANTED_BUG("planted.request_id_forgotten")) co_return std::nullopt;
  auto row =
      Parsed<v1::RequestIdRow>(co_await database_->Get(kIdemFamily, IdemKey(user, request_id)));
  if (row.ok() && row->has_value() && IsExpired(**row, now)) row->reset();
  co_return row;
}

Awaitable<absl::StatusOr<v1::UserCounters>> RocksJournal::LoadCounters(identity::UserKey user) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto counters, Parsed<v1::UserCounters>(co_await database_->Get(
                                                  kCounterFamily, CounterKey(user))));
  co_return std::move(counters).value_or(v1::UserCounters());
}

Awaitable<absl::StatusOr<v1::TenantCounters>> RocksJournal::LoadTenantCounters(std::string tenant) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto counters, Parsed<v1::TenantCounters>(co_await database_->Get(
                                                  kMetaFamily, TenantCounterKey(tenant))));
  co_return std::move(counters).value_or(v1::TenantCounters());
}

Awaitable<absl::StatusOr<std::optional<v1::UsageRow>>> RocksJournal::LoadUsage(
    identity::UserKey user, std::string turn_id) {
  co_return Parsed<v1::UsageRow>(co_await database_->Get(kUsageFamily, UsageKey(user, turn_id)));
}

Awaitable<absl::StatusOr<int64_t>> RocksJournal::SweepRequestIds(absl::Time now, int64_t limit) {
  std::string begin;
  {
    MutexLock lock(mutex_);
    begin = swept_through_;
  }
  std::vector<std::string> due;
  const auto collect = [&](absl::string_view key, absl::string_view) {
    due.emplace_back(key);
    return static_cast<int64_t>(due.size()) < limit;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(kDueFamily, begin, DueEnd(now), collect));
  int64_t swept = 0;
  for (const std::string& key : due) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(const bool expired, co_await SweepOne(key, now));
    if (expired) ++swept;
  }
  MutexLock lock(mutex_);
  if (!due.empty() && swept_through_ == begin) swept_through_ = due.back();
  co_return swept;
}

Awaitable<absl::StatusOr<bool>> RocksJournal::SweepOne(std::string due_key, absl::Time now) {
  const std::string idem_key(IdemKeyOfDue(due_key));
  const auto hold = co_await request_ids_.Lock(idem_key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto row, Parsed<v1::RequestIdRow>(co_await database_->Get(kIdemFamily, idem_key)));
  const bool expired = row && IsExpired(*row, now);
  WriteBatch batch;
  batch.Delete(kDueFamily, due_key);
  if (expired) batch.Delete(kIdemFamily, idem_key);
  PENSTOCK_CO_RETURN_IF_ERROR(co_await committer_.Commit(std::move(batch), Sync::kNo));
  co_return expired;
}

}  // namespace penstock::dispatcher
