// The rows of memories and of what goes with them, put into and taken out of a batch. STORAGE.md
// has the layout.
#pragma once

#include <cstdint>

#include "libs/rocksdb/write_batch.h"
#include "penstock/chat/v1/memory.pb.h"
#include "penstock/memory/v1/record.pb.h"
#include "services/memory_recall/memory_store.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::memory_recall {

// Of every record that is written.
inline constexpr uint8_t kRecordVersion = 1;

// It was taken from a turn, and not made by a caller.
bool IsIngested(const chat::v1::Memory& memory);
bool IsExpired(const chat::v1::Memory& memory, absl::Time now);

void AddToBatch(absl::string_view user, const NewMemory& memory, rocks::WriteBatch& batch);
// Counts it out of `counts`, which the caller writes.
void RemoveInBatch(absl::string_view user, absl::string_view id, const chat::v1::Memory& memory,
                   memory::v1::MemoryCounts& counts, rocks::WriteBatch& batch);
void PutCounts(absl::string_view user, const memory::v1::MemoryCounts& counts,
               rocks::WriteBatch& batch);
// That args.request_id made args.memory.
void PutRequest(absl::string_view user, const MemoryStore::CreateArgs& args,
                rocks::WriteBatch& batch);

}  // namespace penstock::memory_recall
