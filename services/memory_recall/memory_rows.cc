#include "services/memory_recall/memory_rows.h"

#include <string>

#include "libs/base/proto_time.h"
#include "libs/rocksdb/frame.h"
#include "services/memory_recall/memory_id.h"
#include "services/memory_recall/memory_keys.h"

namespace penstock::memory_recall {

using memory::v1::MemoryCounts;

bool IsIngested(const chat::v1::Memory& memory) { return !memory.source_turn().empty(); }

bool IsExpired(const chat::v1::Memory& memory, absl::Time now) {
  return memory.has_expire_time() && FromProto(memory.expire_time()) <= now;
}

void AddToBatch(absl::string_view user, const NewMemory& memory, rocks::WriteBatch& batch) {
  const auto& shown = memory.record.memory();
  const std::string key = NewestFirstKey(user, memory.id);
  batch.Put(kMemories, key, rocks::Frame(kRecordVersion, memory.record));
  batch.Put(kRanking, key, rocks::Frame(kRecordVersion, memory.ranking));
  if (IsIngested(shown)) batch.Put(kIngested, OldestFirstKey(user, memory.id), "");
  if (shown.has_expire_time()) {
    batch.Put(kDue,
              DueKey(FromProto(shown.expire_time()), DueKind::kMemory, user, BytesOfId(memory.id)),
              "");
  }
}

void RemoveInBatch(absl::string_view user, absl::string_view id, const chat::v1::Memory& memory,
                   MemoryCounts& counts, rocks::WriteBatch& batch) {
  const std::string key = NewestFirstKey(user, id);
  batch.Delete(kMemories, key);
  batch.Delete(kRanking, key);
  if (IsIngested(memory)) {
    batch.Delete(kIngested, OldestFirstKey(user, id));
    counts.set_ingested(counts.ingested() - 1);
  } else {
    counts.set_created(counts.created() - 1);
  }
  if (memory.has_expire_time()) {
    batch.Delete(kDue,
                 DueKey(FromProto(memory.expire_time()), DueKind::kMemory, user, BytesOfId(id)));
  }
}

void PutCounts(absl::string_view user, const MemoryCounts& counts, rocks::WriteBatch& batch) {
  batch.Put(kCounts, user, rocks::Frame(kRecordVersion, counts));
}

void PutRequest(absl::string_view user, const MemoryStore::CreateArgs& args,
                rocks::WriteBatch& batch) {
  const absl::Time expire_time = args.now + args.request_id_ttl;
  memory::v1::CreateRequestRecord record;
  record.set_request_id(args.request_id);
  record.set_body_hash(args.body_hash);
  record.set_memory(args.memory.id);
  *record.mutable_expire_time() = ToProto(expire_time);
  const std::string key = HashedKey(user, args.request_id);
  batch.Put(kRequests, key, rocks::Frame(kRecordVersion, record));
  batch.Put(kDue, DueKey(expire_time, DueKind::kRequest, user, key.substr(user.size())), "");
}

}  // namespace penstock::memory_recall
