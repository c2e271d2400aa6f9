#include "services/memory_recall/memory_store_rocksdb.h"

#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/rocksdb/frame.h"
#include "libs/rocksdb/key.h"
#include "services/memory_recall/memory_features.h"
#include "services/memory_recall/memory_id.h"
#include "services/memory_recall/memory_keys.h"
#include "services/memory_recall/memory_refusals.h"
#include "services/memory_recall/memory_rows.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

using memory::v1::MemoryCounts;
using memory::v1::MemoryRecord;
using memory::v1::RankingRecord;

constexpr rocks::RecordVersions kVersions{.oldest_read = 1, .newest_read = 1};

}  // namespace

std::vector<rocks::ColumnFamilyOptions> MemoryColumnFamilies() {
  return {{.name = "memories", .prefix_bytes = 16, .min_blob_bytes = 16 << 10},
          {.name = "ranking", .prefix_bytes = 16},
          {.name = "ingested", .prefix_bytes = 16},
          {.name = "turns"},
          {.name = "requests"},
          {.name = "counts"},
          {.name = "due", .keys_rise = true}};
}

Awaitable<absl::StatusOr<bool>> RocksMemoryStore::Load(rocks::ColumnFamily family, std::string key,
                                                       google::protobuf::MessageLite& record) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto stored, co_await database_.Get(family, std::move(key)));
  if (!stored) co_return false;
  PENSTOCK_CO_RETURN_IF_ERROR(rocks::ParseFramed(*stored, kVersions, record));
  co_return true;
}

Awaitable<absl::StatusOr<MemoryStore::Ingested>> RocksMemoryStore::Ingest(identity::UserKey user,
                                                                          IngestArgs args) {
  const User key(user.bytes());
  const auto hold = co_await locks_.Lock(key);
  memory::v1::IngestedTurn turn;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool known,
                               co_await Load(kTurns, HashedKey(key, args.turn), turn));
  if (known) co_return Ingested{};
  MemoryCounts counts;
  PENSTOCK_CO_RETURN_IF_ERROR((co_await Load(kCounts, key, counts)).status());

  const int64_t room = std::max<int64_t>(args.max_memories - counts.created(), 0);
  const int64_t written = std::min(static_cast<int64_t>(args.memories.size()), room);
  rocks::WriteBatch batch;
  const int64_t too_many = counts.ingested() + written - room;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto evicted, co_await Evict(key, too_many, counts, batch));
  for (int64_t i = 0; i < written; ++i) {
    AddToBatch(key, args.memories[static_cast<size_t>(i)], batch);
  }
  counts.set_ingested(counts.ingested() + written);
  turn.set_turn(args.turn);
  batch.Put(kTurns, HashedKey(key, args.turn), rocks::Frame(kRecordVersion, turn));
  PutCounts(key, counts, batch);
  PENSTOCK_FAILPOINT("memory_recall.ingest.before_write");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await committer_.Commit(std::move(batch), rocks::Sync::kYes));
  PENSTOCK_FAILPOINT("memory_recall.ingest.after_write");
  co_return Ingested{.written = static_cast<size_t>(written), .evicted = std::move(evicted)};
}

Awaitable<absl::StatusOr<std::optional<MemoryStore::Created>>> RocksMemoryStore::Replay(
    User user, const CreateArgs& args) {
  if (args.request_id.empty()) co_return std::nullopt;
  memory::v1::CreateRequestRecord request;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool known,
                               co_await Load(kRequests, HashedKey(user, args.request_id), request));
  if (!known || FromProto(request.expire_time()) <= args.now) co_return std::nullopt;
  if (request.body_hash() != args.body_hash) co_return RequestIdReused(args.request_id);
  MemoryRecord record;
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const bool found, co_await Load(kMemories, NewestFirstKey(user, request.memory()), record));
  if (!found || IsExpired(record.memory(), args.now)) {
    co_return MemoryNotFound(MemoryName(request.memory()));
  }
  co_return Created{.memory = std::move(*record.mutable_memory())};
}

Awaitable<absl::StatusOr<MemoryStore::Created>> RocksMemoryStore::Create(identity::UserKey user,
                                                                         CreateArgs args) {
  const User key(user.bytes());
  const auto hold = co_await locks_.Lock(key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto replayed, co_await Replay(key, args));
  if (replayed) co_return *std::move(replayed);
  MemoryCounts counts;
  PENSTOCK_CO_RETURN_IF_ERROR((co_await Load(kCounts, key, counts)).status());
  if (counts.created() >= args.max_memories) co_return MemoryLimit(args.max_memories);

  rocks::WriteBatch batch;
  const int64_t too_many = counts.ingested() + counts.created() + 1 - args.max_memories;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto evicted, co_await Evict(key, too_many, counts, batch));
  AddToBatch(key, args.memory, batch);
  counts.set_created(counts.created() + 1);
  PutCounts(key, counts, batch);
  if (!args.request_id.empty()) PutRequest(key, args, batch);
  PENSTOCK_FAILPOINT("memory_recall.create.before_write");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await committer_.Commit(std::move(batch), rocks::Sync::kYes));
  PENSTOCK_FAILPOINT("memory_recall.create.after_write");
  co_return Created{.memory = std::move(*args.memory.record.mutable_memory()),
                    .created = true,
                    .evicted = std::move(evicted)};
}

Awaitable<absl::StatusOr<std::vector<std::string>>> RocksMemoryStore::OldestIngested(
    User user, int64_t count) {
  std::vector<std::string> ids;
  if (count <= 0) co_return ids;
  auto visit = [&](absl::string_view key, absl::string_view) {
    ids.push_back(IdOfOldestFirstKey(key));
    return static_cast<int64_t>(ids.size()) < count;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(
      co_await database_.Scan(kIngested, user, rocks::PrefixSuccessor(user), visit));
  co_return ids;
}

Awaitable<absl::StatusOr<std::vector<std::string>>> RocksMemoryStore::Evict(
    User user, int64_t count, MemoryCounts& counts, rocks::WriteBatch& batch) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto ids, co_await OldestIngested(user, count));
  chat::v1::Memory ingested;
  ingested.set_source_turn("evicted");  // turns leave no expire time, so no more is needed of it
  for (const auto& id : ids) RemoveInBatch(user, id, ingested, counts, batch);
  co_return ids;
}

Awaitable<absl::StatusOr<std::vector<chat::v1::Memory>>> RocksMemoryStore::Read(
    identity::UserKey user, std::vector<std::string> ids, absl::Time now) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const auto& id : ids) keys.push_back(NewestFirstKey(user.bytes(), id));
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto rows,
                               co_await database_.GetMany(kMemories, std::move(keys)));
  std::vector<chat::v1::Memory> memories;
  memories.reserve(rows.size());
  for (const auto& row : rows) {
    if (!row) continue;
    MemoryRecord record;
    PENSTOCK_CO_RETURN_IF_ERROR(rocks::ParseFramed(*row, kVersions, record));
    if (!IsExpired(record.memory(), now)) memories.push_back(std::move(*record.mutable_memory()));
  }
  co_return memories;
}

Awaitable<absl::StatusOr<MemoryStore::Page>> RocksMemoryStore::List(identity::UserKey user,
                                                                    ListArgs args) {
  const User key(user.bytes());
  std::string begin = key;
  if (!args.before_id.empty()) begin = NewestFirstKey(key, args.before_id) + '\0';
  Page page;
  size_t bytes = 0;
  absl::Status parsed;
  auto visit = [&](absl::string_view, absl::string_view stored) {
    MemoryRecord record;
    parsed = rocks::ParseFramed(stored, kVersions, record);
    if (!parsed.ok()) return false;
    if (IsExpired(record.memory(), args.now)) return true;
    bytes += record.memory().ByteSizeLong();
    page.more = page.memories.size() == args.page_size ||
                (bytes > args.max_bytes && !page.memories.empty());
    if (!page.more) page.memories.push_back(std::move(*record.mutable_memory()));
    return !page.more;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(
      co_await database_.Scan(kMemories, begin, rocks::PrefixSuccessor(key), visit));
  PENSTOCK_CO_RETURN_IF_ERROR(parsed);
  co_return page;
}

Awaitable<absl::StatusOr<std::optional<chat::v1::Memory>>> RocksMemoryStore::Delete(
    identity::UserKey user, std::string id, absl::Time now) {
  const User key(user.bytes());
  const auto hold = co_await locks_.Lock(key);
  MemoryRecord record;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool found,
                               co_await Load(kMemories, NewestFirstKey(key, id), record));
  if (!found || IsExpired(record.memory(), now)) co_return std::nullopt;
  MemoryCounts counts;
  PENSTOCK_CO_RETURN_IF_ERROR((co_await Load(kCounts, key, counts)).status());
  rocks::WriteBatch batch;
  RemoveInBatch(key, id, record.memory(), counts, batch);
  PutCounts(key, counts, batch);
  PENSTOCK_CO_RETURN_IF_ERROR(co_await committer_.Commit(std::move(batch), rocks::Sync::kYes));
  co_return std::move(*record.mutable_memory());
}

Awaitable<absl::StatusOr<UserBlock>> RocksMemoryStore::LoadBlock(identity::UserKey user) {
  const User key(user.bytes());
  UserBlock block;
  std::vector<std::string> stale;
  auto visit = [&](absl::string_view row, absl::string_view stored) {
    RankingRecord ranking;
    std::string id = IdOfNewestFirstKey(row);
    if (rocks::ParseFramed(stored, kVersions, ranking).ok() && IsCurrent(ranking)) {
      block.Add(FeaturesOf(std::move(id), ranking));
    } else {
      stale.push_back(std::move(id));
    }
    return true;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(
      co_await database_.Scan(kRanking, key, rocks::PrefixSuccessor(key), visit));
  for (auto& id : stale) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await AddFromMemory(key, std::move(id), block));
  }
  co_return block;
}

Awaitable<absl::Status> RocksMemoryStore::AddFromMemory(User user, std::string id,
                                                        UserBlock& block) {
  MemoryRecord record;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool found,
                               co_await Load(kMemories, NewestFirstKey(user, id), record));
  if (found) block.Add(FeaturesOf(std::move(id), RankingRecordOf(record)));
  co_return absl::OkStatus();
}

Awaitable<absl::StatusOr<size_t>> RocksMemoryStore::Sweep(absl::Time now, size_t limit) {
  std::vector<std::string> keys;
  auto visit = [&](absl::string_view key, absl::string_view) {
    keys.emplace_back(key);
    return keys.size() < limit;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_.Scan(kDue, "", DueEnd(now), visit));
  for (const auto& key : keys) PENSTOCK_CO_RETURN_IF_ERROR(co_await SweepOne(key, now));
  co_return keys.size();
}

Awaitable<absl::Status> RocksMemoryStore::SweepOne(std::string key, absl::Time now) {
  rocks::WriteBatch batch;
  batch.Delete(kDue, key);
  const auto due = ParseDueKey(key);
  if (!due) co_return co_await committer_.Commit(std::move(batch), rocks::Sync::kNo);
  const auto hold = co_await locks_.Lock(due->user);
  PENSTOCK_CO_RETURN_IF_ERROR(due->kind == DueKind::kMemory
                                  ? co_await SweepMemory(*due, now, batch)
                                  : co_await SweepRequest(*due, now, batch));
  co_return co_await committer_.Commit(std::move(batch), rocks::Sync::kNo);
}

Awaitable<absl::Status> RocksMemoryStore::SweepMemory(Due due, absl::Time now,
                                                      rocks::WriteBatch& batch) {
  const std::string id = IdOfBytes(due.what);
  MemoryRecord record;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool found,
                               co_await Load(kMemories, NewestFirstKey(due.user, id), record));
  if (!found || !IsExpired(record.memory(), now)) co_return absl::OkStatus();
  MemoryCounts counts;
  PENSTOCK_CO_RETURN_IF_ERROR((co_await Load(kCounts, due.user, counts)).status());
  RemoveInBatch(due.user, id, record.memory(), counts, batch);
  PutCounts(due.user, counts, batch);
  co_return absl::OkStatus();
}

Awaitable<absl::Status> RocksMemoryStore::SweepRequest(Due due, absl::Time now,
                                                       rocks::WriteBatch& batch) {
  const std::string key = due.user + due.what;
  memory::v1::CreateRequestRecord request;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const bool found, co_await Load(kRequests, key, request));
  // The id may have been used again since, and then stays until its new time.
  if (found && FromProto(request.expire_time()) <= now) batch.Delete(kRequests, key);
  co_return absl::OkStatus();
}

}  // namespace penstock::memory_recall
