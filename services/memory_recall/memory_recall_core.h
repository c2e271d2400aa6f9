// What memory-recall does, without gRPC: remembers turns, finds what matters for a new message, and
// keeps the memories that callers make.
//
// Every method names the user by the key of a verified grant. Requests must live until the result
// is there. Errors: FIELD_INVALID for a request that is malformed; MEMORY_NOT_FOUND, the same for a
// memory that is absent, deleted, expired or somebody else's; what MemoryStore answers.
#pragma once

#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/base/clock.h"
#include "libs/identity/principal.h"
#include "libs/obs/metrics.h"
#include "penstock/memory/v1/memory_recall.pb.h"
#include "services/memory_recall/block_cache.h"
#include "services/memory_recall/embedder.h"
#include "services/memory_recall/memory_store.h"
#include "services/memory_recall/ranker.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// Section `recall` of the configuration.
struct RecallSettings {
  size_t max_memories = 15;
  size_t max_memory_bytes = 8 << 10;
  int64_t max_memories_per_user = 10'000;
  size_t cache_bytes = 128 << 20;
};

// Thread-safe.
class MemoryRecallCore {
 public:
  // `embedder` may be null: then only words are compared. All must outlive this.
  MemoryRecallCore(MemoryStore& store, const Ranker& ranker, Embedder* embedder, const Clock& clock,
                   const RecallSettings& settings, obs::Metrics& metrics);

  // Best first; nothing when nothing has a word in common with the input. Of an input over 8 KiB
  // the first and last 4 KiB count.
  Awaitable<absl::StatusOr<memory::v1::RecallResponse>> Recall(
      identity::UserKey user, const memory::v1::RecallRequest& request);

  // One memory with what the user said, verbatim; several when it is longer than max_memory_bytes.
  // Synced, once a turn.
  Awaitable<absl::StatusOr<memory::v1::IngestResponse>> Ingest(
      identity::UserKey user, const memory::v1::IngestRequest& request);

  Awaitable<absl::StatusOr<chat::v1::Memory>> Create(
      identity::UserKey user, const memory::v1::CreateMemoryRequest& request);
  Awaitable<absl::StatusOr<chat::v1::Memory>> Get(identity::UserKey user,
                                                  const memory::v1::GetMemoryRequest& request);
  // A page ends at 2 MiB.
  Awaitable<absl::StatusOr<memory::v1::ListMemoriesResponse>> List(
      identity::UserKey user, const memory::v1::ListMemoriesRequest& request);
  Awaitable<absl::StatusOr<memory::v1::SearchMemoriesResponse>> Search(
      identity::UserKey user, const memory::v1::SearchMemoriesRequest& request);
  // Recall does not find it any more when this is answered.
  Awaitable<absl::StatusOr<chat::v1::Memory>> Delete(
      identity::UserKey user, const memory::v1::DeleteMemoryRequest& request);

 private:
  // The memories that rank best for `text`.
  Awaitable<absl::StatusOr<std::vector<memory::v1::ScoredMemory>>> Find(identity::UserKey user,
                                                                        std::string text,
                                                                        RankQuery query);
  Awaitable<absl::StatusOr<std::shared_ptr<SharedBlock>>> BlockOf(identity::UserKey user);
  // Empty without an embedder, and when it fails.
  Awaitable<std::vector<float>> Embed(std::string text);
  Awaitable<NewMemory> Prepare(memory::v1::MemoryRecord record, absl::Time id_time);
  // The memories of one turn, not stored yet.
  Awaitable<std::vector<NewMemory>> MemoriesOf(const memory::v1::IngestRequest& request);

  MemoryStore& store_;
  const Ranker& ranker_;
  Embedder* const embedder_;
  const Clock& clock_;
  const RecallSettings settings_;
  BlockCache blocks_;
  prometheus::Histogram& find_seconds_;
  prometheus::Counter& written_;
  prometheus::Counter& evicted_;
};

}  // namespace penstock::memory_recall
