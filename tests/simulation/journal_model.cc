#include "tests/simulation/journal_model.h"

#include <google/protobuf/wrappers.pb.h>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "services/dispatcher/queue/journal_keys.h"
#include "services/dispatcher/queue/journal_reader.h"
#include "services/dispatcher/queue/shard_range.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

// The names of the journal's own, but for those that stand for turns of others.
using namespace dispatcher;  // NOLINT(google-build-using-namespace): the model of one of its
                             // classes

constexpr absl::Duration kLongestWrite = absl::Microseconds(300);
constexpr absl::Duration kLongestSync = absl::Milliseconds(8);
constexpr absl::Duration kLongestRead = absl::Milliseconds(2);
constexpr double kMisses = 0.1;

std::string Framed(const google::protobuf::MessageLite& record) {
  return rocks::Frame(kRecordVersion, record);
}

template <class Record>
absl::StatusOr<std::optional<Record>> Stored(const Disk& disk, rocks::ColumnFamily family,
                                             const std::string& key) {
  const auto found = disk.Of(family).find(key);
  if (found == disk.Of(family).end()) return std::nullopt;
  Record record;
  PENSTOCK_RETURN_IF_ERROR(rocks::ParseFramed(found->second, kRecordVersions, record));
  return record;
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

void LetExpire(Disk& disk, const std::string& idem_key, v1::RequestIdRow row, absl::Time at) {
  const absl::Time expires =
      absl::UnixEpoch() + absl::Ceil(at - absl::UnixEpoch(), absl::Milliseconds(1));
  *row.mutable_expire_time() = ToProto(expires);
  disk.Put(kIdemFamily, idem_key, Framed(row));
  disk.Put(kDueFamily, DueKey(expires, idem_key), "");
}

int64_t Sweep(Disk& disk, absl::Time now, int64_t limit) {
  std::vector<std::string> due;
  for (const auto& [key, value] : disk.Of(kDueFamily)) {
    if (key >= DueEnd(now) || static_cast<int64_t>(due.size()) >= limit) break;
    due.push_back(key);
  }
  int64_t swept = 0;
  for (const std::string& key : due) {
    const std::string idem_key(IdemKeyOfDue(key));
    const auto row = Stored<v1::RequestIdRow>(disk, kIdemFamily, idem_key);
    disk.Delete(kDueFamily, key);
    if (!row.ok() || !*row || !IsExpired(**row, now)) continue;
    disk.Delete(kIdemFamily, idem_key);
    ++swept;
  }
  return swept;
}

void PutCounters(Disk& disk, const identity::UserKey& user, Counting& counting) {
  if (!counting) return;
  const CounterValues values = counting();
  if (values.user) disk.Put(kCounterFamily, CounterKey(user), Framed(*values.user));
  if (values.tenant) {
    disk.Put(kMetaFamily, TenantCounterKey(values.tenant->tenant()), Framed(*values.tenant));
  }
}

absl::StatusOr<JournalRecovery> Recover(const Disk& disk, int shards, int64_t epoch) {
  JournalReader reader(shards, epoch);
  for (const auto& [key, value] : disk.Of(kTurnFamily)) {
    PENSTOCK_RETURN_IF_ERROR(reader.ReadTurn(key, value));
  }
  for (const auto& [key, value] : disk.Of(kJobFamily)) {
    PENSTOCK_RETURN_IF_ERROR(reader.ReadJob(key, value));
  }
  return std::move(reader).Finish();
}

}  // namespace

void Disk::Put(rocks::ColumnFamily family, std::string key, std::string value) {
  auto& stored = families_[static_cast<size_t>(family)];
  const auto found = stored.find(key);
  batch_.push_back(
      {family, key, found == stored.end() ? std::nullopt : std::optional(found->second)});
  stored[std::move(key)] = std::move(value);
}

void Disk::Delete(rocks::ColumnFamily family, const std::string& key) {
  auto& stored = families_[static_cast<size_t>(family)];
  const auto found = stored.find(key);
  if (found == stored.end()) return;
  batch_.push_back({family, key, std::move(found->second)});
  stored.erase(found);
}

void Disk::EndBatch() {
  if (!batch_.empty()) unsynced_.push_back(std::exchange(batch_, {}));
}

void Disk::LosePower(Chance& chance) {
  const auto lost = chance.Between(0, static_cast<int64_t>(unsynced_.size()));
  for (int64_t i = 0; i < lost; ++i) {
    Batch& batch = unsynced_.back();
    for (auto before = batch.rbegin(); before != batch.rend(); ++before) {
      auto& stored = families_[static_cast<size_t>(before->family)];
      if (before->value) {
        stored[before->key] = *std::move(before->value);
      } else {
        stored.erase(before->key);
      }
    }
    unsynced_.pop_back();
  }
  Sync();
}

Awaitable<absl::Status> JournalModel::Commit(Change change, bool sync) {
  if (life_ == nullptr) {
    MutexLock lock(mutex_);
    change(disk_);
    disk_.EndBatch();
    co_return absl::OkStatus();
  }
  auto written = std::make_shared<OneShot<absl::Status>>();
  if (!life_->dead() && !frozen_) {
    waiting_.push_back({std::move(change), written, sync});
    if (!std::exchange(writing_, true)) WriteNext();
  }
  co_return co_await life_->Wait(std::move(written));
}

void JournalModel::WriteNext() {
  Chance& chance = life_->chance();
  life_->world().After(chance.Between(absl::ZeroDuration(), kLongestWrite), [this, &chance] {
    if (life_->dead() || frozen_) return;
    auto batch = std::make_shared<std::vector<Waiting>>(std::exchange(waiting_, {}));
    bool sync = false;
    for (Waiting& each : *batch) {
      each.change(disk_);
      sync = sync || each.sync;
    }
    disk_.EndBatch();
    life_->world().Note("journal writes", sync ? "and syncs" : "");
    const absl::Duration takes =
        sync ? chance.Between(absl::Microseconds(50), kLongestSync) : absl::ZeroDuration();
    life_->world().After(takes, [this, batch, sync] {
      if (life_->dead() || frozen_) return;
      if (sync) disk_.Sync();
      for (Waiting& each : *batch) each.written->Set(absl::OkStatus());
      writing_ = !waiting_.empty();
      if (writing_) WriteNext();
    });
  });
}

Awaitable<absl::Status> JournalModel::Read() {
  if (life_ == nullptr) co_return absl::OkStatus();
  // Never, then.
  const absl::Duration takes =
      frozen_ ? absl::Hours(100'000) : life_->chance().Between(absl::ZeroDuration(), kLongestRead);
  if (!frozen_ && !life_->chance().With(kMisses)) co_return absl::OkStatus();
  co_return co_await life_->Pause(takes);
}

Awaitable<absl::StatusOr<std::vector<RecoveredShard>>> JournalModel::Open(int shards) {
  if (shards < 1 || shards > kBuckets) {
    co_return absl::InvalidArgumentError(absl::StrCat("journal.shards: found ", shards));
  }
  google::protobuf::Int64Value epoch;
  const auto raise = [&epoch](Disk& disk) {
    const auto stored =
        Stored<google::protobuf::Int64Value>(disk, kMetaFamily, std::string(kEpochKey));
    epoch.set_value(stored.ok() && *stored ? (*stored)->value() : 0);
    if (epoch.value() > 0 && PENSTOCK_PLANTED_BUG("planted.epoch_kept")) return;
    epoch.set_value(epoch.value() + 1);
    disk.Put(kMetaFamily, std::string(kEpochKey), Framed(epoch));
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(raise, /*sync=*/true));
  absl::StatusOr<JournalRecovery> recovered = Recover(disk_, shards, epoch.value());
  if (!recovered.ok()) co_return recovered.status();
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(
      [&orphans = recovered->orphans](Disk& disk) {
        orphans.ForEach([&](const rocks::WriteBatch::Write& write) {
          disk.Delete(write.family, std::string(write.key));
        });
      },
      /*sync=*/false));
  co_return std::move(recovered->shards);
}

Awaitable<absl::Status> JournalModel::AppendSubmitted(identity::UserKey user,
                                                      v1::Submitted submitted, WithSubmitted also) {
  const bool sync = !PENSTOCK_PLANTED_BUG("planted.submit_unsynced");
  co_return co_await Commit(
      [user, submitted = std::move(submitted), also = std::move(also)](Disk& disk) mutable {
        disk.Put(kTurnFamily, TurnKey(user, submitted.turn_id(), TurnRecord::kSubmitted),
                 Framed(submitted));
        PutCounters(disk, user, also.counters);
        if (!also.interrupted_turn.empty()) {
          disk.Put(kTurnFamily, TurnKey(user, also.interrupted_turn, TurnRecord::kCancelRequested),
                   Framed(also.interruption));
        }
        if (submitted.request_id().empty()) return;
        disk.Put(
            kIdemFamily, IdemKey(user, submitted.request_id()),
            Framed(RowOf(submitted.session_id(), submitted.turn_id(), submitted.request_digest())));
      },
      sync);
}

Awaitable<absl::Status> JournalModel::PutTurnRecord(std::string key,
                                                    const google::protobuf::MessageLite& record,
                                                    bool sync) {
  return Commit([key = std::move(key),
                 framed = Framed(record)](Disk& disk) { disk.Put(kTurnFamily, key, framed); },
                sync);
}

Awaitable<absl::Status> JournalModel::AppendStarted(identity::UserKey user, std::string turn_id,
                                                    v1::Started started) {
  return PutTurnRecord(TurnKey(user, turn_id, TurnRecord::kStarted), started, /*sync=*/false);
}

Awaitable<absl::Status> JournalModel::AppendCancelRequested(identity::UserKey user,
                                                            std::string turn_id,
                                                            v1::CancelRequested cancel) {
  return PutTurnRecord(TurnKey(user, turn_id, TurnRecord::kCancelRequested), cancel,
                       /*sync=*/true);
}

Awaitable<absl::Status> JournalModel::AppendToolResults(identity::UserKey user, TurnIds ids,
                                                        v1::ToolResults results) {
  co_return co_await Commit(
      [user, ids = std::move(ids), results = std::move(results)](Disk& disk) {
        disk.Put(kTurnFamily, ToolResultsKey(user, ids.turn, results.step()), Framed(results));
        if (results.request_id().empty()) return;
        disk.Put(kIdemFamily, IdemKey(user, results.request_id()),
                 Framed(RowOf(ids.session, ids.turn, results.request_digest())));
      },
      /*sync=*/true);
}

Awaitable<absl::Status> JournalModel::AppendGenerated(identity::UserKey user, std::string turn_id,
                                                      v1::Generated generated) {
  return PutTurnRecord(TurnKey(user, turn_id, TurnRecord::kGenerated), generated, /*sync=*/true);
}

Awaitable<absl::Status> JournalModel::Settle(identity::UserKey user, v1::Submitted submitted,
                                             std::vector<v1::ToolResults> tool_results,
                                             v1::UsageRow usage, std::vector<v1::Job> jobs,
                                             absl::Time request_id_expires, Counting counters) {
  co_return co_await Commit(
      [=, counters = std::move(counters)](Disk& disk) mutable {
        PutCounters(disk, user, counters);
        const std::string& turn_id = submitted.turn_id();
        for (const TurnRecord record : kTurnRecords) {
          disk.Delete(kTurnFamily, TurnKey(user, turn_id, record));
        }
        disk.Put(kUsageFamily, UsageKey(user, turn_id), Framed(usage));
        for (const v1::Job& job : jobs) {
          disk.Put(kJobFamily, JobKey(user, turn_id, job.kind()), Framed(job));
        }
        if (!submitted.request_id().empty()) {
          LetExpire(disk, IdemKey(user, submitted.request_id()),
                    RowOf(submitted.session_id(), turn_id, submitted.request_digest()),
                    request_id_expires);
        }
        for (const v1::ToolResults& results : tool_results) {
          disk.Delete(kTurnFamily, ToolResultsKey(user, turn_id, results.step()));
          if (results.request_id().empty()) continue;
          LetExpire(disk, IdemKey(user, results.request_id()),
                    RowOf(submitted.session_id(), turn_id, results.request_digest()),
                    request_id_expires);
        }
      },
      /*sync=*/false);
}

Awaitable<absl::Status> JournalModel::FinishJob(identity::UserKey user, std::string turn_id,
                                                v1::Job::Kind kind) {
  co_return co_await Commit(
      [key = JobKey(user, turn_id, kind)](Disk& disk) { disk.Delete(kJobFamily, key); },
      /*sync=*/false);
}

Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> JournalModel::LookupRequestId(
    identity::UserKey user, std::string request_id, absl::Time now) {
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Read());
  if (PENSTOCK_PLANTED_BUG("planted.request_id_forgotten")) co_return std::nullopt;
  MutexLock lock(mutex_);
  auto row = Stored<v1::RequestIdRow>(disk_, kIdemFamily, IdemKey(user, request_id));
  if (row.ok() && row->has_value() && IsExpired(**row, now)) row->reset();
  co_return row;
}

Awaitable<absl::StatusOr<v1::UserCounters>> JournalModel::LoadCounters(identity::UserKey user) {
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Read());
  MutexLock lock(mutex_);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto counters,
                               Stored<v1::UserCounters>(disk_, kCounterFamily, CounterKey(user)));
  co_return std::move(counters).value_or(v1::UserCounters());
}

Awaitable<absl::StatusOr<v1::TenantCounters>> JournalModel::LoadTenantCounters(std::string tenant) {
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Read());
  MutexLock lock(mutex_);
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto counters, Stored<v1::TenantCounters>(disk_, kMetaFamily, TenantCounterKey(tenant)));
  co_return std::move(counters).value_or(v1::TenantCounters());
}

Awaitable<absl::StatusOr<std::optional<v1::UsageRow>>> JournalModel::LoadUsage(
    identity::UserKey user, std::string turn_id) {
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Read());
  MutexLock lock(mutex_);
  co_return Stored<v1::UsageRow>(disk_, kUsageFamily, UsageKey(user, turn_id));
}

Awaitable<absl::StatusOr<int64_t>> JournalModel::SweepRequestIds(absl::Time now, int64_t limit) {
  int64_t swept = 0;
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(
      [&swept, now, limit](Disk& disk) { swept = Sweep(disk, now, limit); }, /*sync=*/false));
  co_return swept;
}

RowCounts CountRows(const Disk& disk) {
  RowCounts rows{.unfinished_turns = 0,
                 .jobs = static_cast<int64_t>(disk.Of(kJobFamily).size()),
                 .request_ids = static_cast<int64_t>(disk.Of(kIdemFamily).size()),
                 .due = static_cast<int64_t>(disk.Of(kDueFamily).size()),
                 .usage = static_cast<int64_t>(disk.Of(kUsageFamily).size())};
  for (const auto& [key, value] : disk.Of(kTurnFamily)) {
    const auto parts = ParseTurnKey(key);
    rows.unfinished_turns += parts && parts->record == TurnRecord::kSubmitted;
  }
  return rows;
}

std::string TurnOfRequest(const Disk& disk, const identity::UserKey& user,
                          const std::string& request_id) {
  const auto row = Stored<v1::RequestIdRow>(disk, kIdemFamily, IdemKey(user, request_id));
  return row.ok() && row->has_value() ? TurnName((*row)->session_id(), (*row)->turn_id()) : "";
}

bool HasUsage(const Disk& disk, const identity::UserKey& user, const std::string& turn_id) {
  return disk.Of(kUsageFamily).contains(UsageKey(user, turn_id));
}

void ForgetUsage(Disk& disk) { disk.Clear(kUsageFamily); }

}  // namespace penstock::simulation
