// A file system that forgets what was not synced: under it every SIGKILL is a power loss.
//
// Appended bytes reach the disk when their file is synced; a name of a new or renamed file when its
// folder is. Until then both are in the memory of this process, which sees them as if they were
// there. Any end of the process loses them, an orderly one too. What the disk has been handed is
// not synced there: no test cuts the power.
//
// At once, as a crash may leave it on a real disk: deletions, truncations, folders. Passed through:
// locks, and RocksDB's own LOG files. Not offered, as Penstock's settings use none of them: files
// for random writes, recycled logs, hard links, memory maps of files, direct I/O.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <rocksdb/file_system.h>

#include "libs/base/mutex.h"
#include "libs/rocksdb/lossy/unsynced_file.h"

namespace penstock::rocks {

// Thread-safe. One for all that opens the same folders in a process.
class LossyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit LossyFileSystem(std::shared_ptr<rocksdb::FileSystem> disk);

  const char* Name() const override { return "LossyFileSystem"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewMemoryMappedFileBuffer(
      const std::string& name, std::unique_ptr<rocksdb::MemoryMappedFileBuffer>* result) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;

  rocksdb::IOStatus FileExists(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& folder, const rocksdb::IOOptions& options,
                                std::vector<std::string>* result,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildrenFileAttributes(const std::string& folder,
                                              const rocksdb::IOOptions& options,
                                              std::vector<rocksdb::FileAttributes>* result,
                                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& name, const rocksdb::IOOptions& options,
                                uint64_t* size, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& name,
                                            const rocksdb::IOOptions& options, uint64_t* time,
                                            rocksdb::IODebugContext* debug) override;

  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& name, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

  // Names that were given in this folder since the last time are on disk afterwards, in the order
  // in which they were given.
  rocksdb::IOStatus SyncFolder(const std::string& folder);
  // Forgets files that the disk has all of.
  void DropDurable();

 private:
  // A name that the disk does not have, or not as it is here.
  struct Entry {
    std::shared_ptr<UnsyncedFile> file;
    // When the name was given; 0: it is on disk.
    uint64_t given = 0;
  };

  std::shared_ptr<UnsyncedFile> Find(const std::string& path);
  bool OnDisk(const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  rocksdb::IOStatus OpenExisting(const std::string& path, const rocksdb::FileOptions& options,
                                 bool truncate, std::shared_ptr<UnsyncedFile>* file)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::unique_ptr<rocksdb::FSWritableFile> Writer(std::shared_ptr<UnsyncedFile> file);

  Mutex mutex_;
  uint64_t names_given_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // Still on disk under this name, but renamed here.
  std::set<std::string> moved_away_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::rocks
