// One RocksDB database: opened with Penstock's settings, read without blocking a coroutine's
// thread.
//
// Writes go through rocks::Committer. Keys: key.h; values: frame.h. Why these settings: README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/bounded_executor.h"
#include "libs/rocksdb/write_batch.h"

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::rocks {

enum class Sync : bool { kNo = false, kYes = true };

struct ColumnFamilyOptions {
  std::string name;
  // Keys that share this many first bytes are read together: a Bloom filter over the prefix.
  // 0: over whole keys only.
  size_t prefix_bytes = 0;
  // Values of this size and more go to blob files, which compaction does not rewrite. 0: none do.
  uint64_t min_blob_bytes = 0;
  // New keys stand behind all others, as in an index by time. The tables of such a family never
  // overlap, so levelled compaction would move each as it is, and their number grow for ever.
  bool keys_rise = false;
};

struct Options {
  // New ones may be added at the end; one that is on disk must be named.
  std::vector<ColumnFamilyOptions> column_families;
  // For blocks, filters and memtables together.
  int64_t block_cache_bytes = int64_t{64} << 20;
  // False: Sync::kYes does not sync. Loses acknowledged writes when the machine stops; tests only.
  bool sync = true;
};

// Thread-safe. Must outlive every read and write.
class Database {
 public:
  // False: stop here.
  using Visitor = absl::FunctionRef<bool(absl::string_view key, absl::string_view value)>;

  // Makes the folder when it is missing. Blocks. kFailedPrecondition: another process has it open,
  // or a newer version wrote it; kDataLoss: it is damaged. The message says what to do. `reads`
  // runs the reads that miss the block cache.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Options options,
                                                        BoundedExecutor& reads);
  ~Database();

  // nullopt: there is none. About 2 µs when the block is in memory; otherwise it moves to `reads`.
  // kResourceExhausted (STORE_BUSY) when that is full, kUnavailable (STORE_UNAVAILABLE) when the
  // disk fails, kDataLoss when a checksum does.
  Awaitable<absl::StatusOr<std::optional<std::string>>> Get(ColumnFamily family, std::string key);

  // As Get of each key, in their order, but together: cheaper, and those that miss the block cache
  // move to `reads` in one hop.
  Awaitable<absl::StatusOr<std::vector<std::optional<std::string>>>> GetMany(
      ColumnFamily family, std::vector<std::string> keys);

  // Visits the keys of [begin, end) in order, each once, until `visit` answers false. Moves to
  // `reads` when a block is not in memory and after 256 rows; `visit` may then run on its thread.
  // Not a snapshot: of what is written meanwhile some may be seen. `visit` must live until the scan
  // ends.
  Awaitable<absl::Status> Scan(ColumnFamily family, std::string begin, std::string end,
                               Visitor visit);

  // The same, on this thread, for start-up and for work that already runs on a thread of its own.
  absl::StatusOr<std::optional<std::string>> GetBlocking(ColumnFamily family,
                                                         absl::string_view key) const;
  absl::Status ScanBlocking(ColumnFamily family, absl::string_view begin, absl::string_view end,
                            Visitor visit) const;

  // One atomic write, on this thread. For the Committer, and before it exists.
  absl::Status Write(const WriteBatch& batch, Sync sync);

 private:
  struct Engine;
  struct ScanPosition;
  struct ManyGets;

  Database(std::unique_ptr<Engine> engine, BoundedExecutor& reads);
  std::optional<absl::StatusOr<std::optional<std::string>>> GetCached(ColumnFamily family,
                                                                      absl::string_view key) const;

  std::unique_ptr<Engine> engine_;
  BoundedExecutor& reads_;
};

}  // namespace penstock::rocks
