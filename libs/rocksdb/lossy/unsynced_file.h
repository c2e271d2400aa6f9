// One file of which only what was synced is on disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <rocksdb/file_system.h>

#include "libs/base/mutex.h"

namespace penstock::rocks {

// Ends the names of files that are being given a name; a crash may leave one behind.
inline constexpr char kUnlinkedSuffix[] = ".unlinked";

// Its first bytes are on disk, the rest is here: bytes until they are synced, and all of them until
// the file has a name on disk (LinkTo). Thread-safe.
class UnsyncedFile {
 public:
  // New: no name and no byte on disk. `options` are those with which it is written.
  UnsyncedFile(rocksdb::FileSystem& disk, const rocksdb::FileOptions& options)
      : disk_(disk), options_(options) {}

  // A file that is on disk under `path` and not being written.
  static std::shared_ptr<UnsyncedFile> OnDisk(rocksdb::FileSystem& disk, const std::string& path,
                                              uint64_t size);

  // Appends to the file that is on disk, after dropping what it has if `truncate`.
  rocksdb::IOStatus Reopen(const rocksdb::FileOptions& options, bool truncate);
  void Append(const rocksdb::Slice& data);
  // What was appended is on disk afterwards, if the file has a name there.
  rocksdb::IOStatus Sync();
  // Not undone by a crash.
  rocksdb::IOStatus Truncate(uint64_t size);
  // Nothing more is appended. Syncs nothing.
  rocksdb::IOStatus Close();

  // Its name on disk becomes `path`, whatever that was before; at once, also when the process is
  // killed meanwhile.
  rocksdb::IOStatus LinkTo(const std::string& path);

  // Sets `result` to bytes in `scratch`; fewer than `n` at the end of the file.
  rocksdb::IOStatus Read(uint64_t offset, size_t n, rocksdb::Slice* result, char* scratch);
  uint64_t Size() const;
  // Its name on disk; empty: it has none.
  std::string disk_path() const;
  // Closed, and the disk has all of it.
  bool durable() const;

 private:
  rocksdb::IOStatus WriteOut(uint64_t end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  rocksdb::FileSystem& disk_;
  mutable Mutex mutex_;
  rocksdb::FileOptions options_ ABSL_GUARDED_BY(mutex_);
  std::string disk_path_ ABSL_GUARDED_BY(mutex_);
  // So many bytes are on disk; `tail_` follows them.
  uint64_t on_disk_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string tail_ ABSL_GUARDED_BY(mutex_);
  // So many bytes were synced.
  uint64_t synced_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  // While it is written and has a name on disk.
  std::unique_ptr<rocksdb::FSWritableFile> out_ ABSL_GUARDED_BY(mutex_);
  // Of what is on disk; opened by the first read that needs it.
  std::unique_ptr<rocksdb::FSRandomAccessFile> in_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::rocks
