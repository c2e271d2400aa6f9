// Where memories are kept: whole operations, each one atomic.
//
// Nothing of RocksDB or PostgreSQL shows here. Every call names the user by the key of a verified
// grant; nobody else's memories can be reached. A backend passes memory_store_conformance.h; its
// layout stands in STORAGE.md. Ids are canonical UUIDv7, so their order is that of time.
//
// Every write is synced before its result. Errors beside those named at a call: kUnavailable
// (STORE_UNAVAILABLE), kResourceExhausted (STORE_BUSY), kDataLoss.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/identity/principal.h"
#include "penstock/chat/v1/memory.pb.h"
#include "penstock/memory/v1/record.pb.h"
#include "services/memory_recall/user_block.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::memory_recall {

struct NewMemory {
  std::string id;
  // `record.memory.source_turn` is set iff a turn left it.
  memory::v1::MemoryRecord record = {};
  memory::v1::RankingRecord ranking = {};
};

// Thread-safe.
class MemoryStore {
 public:
  virtual ~MemoryStore() = default;

  struct IngestArgs {
    // "sessions/{session}/turns/{turn}".
    std::string turn;
    std::vector<NewMemory> memories;
    // Of this user, ingested and created.
    int64_t max_memories = 0;
  };
  struct Ingested {
    // How many of the given memories were written, from the first: 0 when the turn was ingested
    // before; fewer than given when created ones leave no room.
    size_t written = 0;
    // Ids of the oldest ingested memories, which gave way.
    std::vector<std::string> evicted = {};
  };
  // Stores what a turn left, once: later calls with the same turn change nothing, also when its
  // memories are gone.
  virtual Awaitable<absl::StatusOr<Ingested>> Ingest(identity::UserKey user, IngestArgs args) = 0;

  struct CreateArgs {
    NewMemory memory;
    // Empty: the call is not idempotent.
    std::string request_id;
    std::string body_hash;
    absl::Time now;
    // A request_id is kept until now + this.
    absl::Duration request_id_ttl = absl::Hours(24);
    int64_t max_memories = 0;
  };
  struct Created {
    chat::v1::Memory memory;
    // False: an earlier call with this request_id made it.
    bool created = false;
    std::vector<std::string> evicted = {};
  };
  // kInvalidArgument (REQUEST_ID_REUSED): the request_id came with another body. kNotFound
  // (MEMORY_NOT_FOUND): it made a memory that is gone. kResourceExhausted (MEMORY_LIMIT): created
  // memories alone reach max_memories.
  virtual Awaitable<absl::StatusOr<Created>> Create(identity::UserKey user, CreateArgs args) = 0;

  // Those of `ids` that are there and not expired, in the order of `ids`.
  virtual Awaitable<absl::StatusOr<std::vector<chat::v1::Memory>>> Read(
      identity::UserKey user, std::vector<std::string> ids, absl::Time now) = 0;

  struct ListArgs {
    // Only memories older than the one of this id; empty: from the newest. It may be gone.
    std::string before_id = {};
    size_t page_size = 0;
    // The page ends before a memory with which it would be larger, but not before its first.
    size_t max_bytes = 0;
    absl::Time now;
  };
  struct Page {
    std::vector<chat::v1::Memory> memories;
    // There may be more behind the last one.
    bool more = false;
  };
  // Newest first, without expired ones.
  virtual Awaitable<absl::StatusOr<Page>> List(identity::UserKey user, ListArgs args) = 0;

  // Removes it and answers what it was; nullopt when it is not there or expired.
  virtual Awaitable<absl::StatusOr<std::optional<chat::v1::Memory>>> Delete(identity::UserKey user,
                                                                            std::string id,
                                                                            absl::Time now) = 0;

  // Everything of the user that ranking needs; expired memories may be among it.
  virtual Awaitable<absl::StatusOr<UserBlock>> LoadBlock(identity::UserKey user) = 0;

  // Removes up to `limit` memories and request ids of any user that expired at least a minute ago;
  // answers how many. Not synced: what is lost is swept again.
  virtual Awaitable<absl::StatusOr<size_t>> Sweep(absl::Time now, size_t limit) = 0;
};

}  // namespace penstock::memory_recall
