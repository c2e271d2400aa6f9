#include "libs/rocksdb/lossy/lossy_file_system.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <utility>

#include "libs/rocksdb/lossy/lossy_handles.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace penstock::rocks {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

// The same for the same file, however the caller joins folder and name.
std::string Normal(const std::string& name) {
  std::string path = std::filesystem::path(name).lexically_normal().string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string BaseOf(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

IOStatus NotOffered(const char* what, const std::string& name) {
  return IOStatus::NotSupported(what, name);
}

IOStatus NotFound(const std::string& path) { return IOStatus::PathNotFound("no such file", path); }

}  // namespace

LossyFileSystem::LossyFileSystem(std::shared_ptr<rocksdb::FileSystem> disk)
    : FileSystemWrapper(std::move(disk)) {}

std::shared_ptr<UnsyncedFile> LossyFileSystem::Find(const std::string& path) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : found->second.file;
}

bool LossyFileSystem::OnDisk(const std::string& path) {
  return !moved_away_.contains(path) && target()->FileExists(path, IOOptions(), nullptr).ok();
}

IOStatus LossyFileSystem::NewSequentialFile(const std::string& name, const FileOptions& options,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                            IODebugContext* debug) {
  const std::string path = Normal(name);
  if (auto file = Find(path)) {
    *result = std::make_unique<LossySequentialFile>(std::move(file));
    return IOStatus::OK();
  }
  if (IOStatus there = FileExists(path, IOOptions(), debug); !there.ok()) return there;
  return target()->NewSequentialFile(path, options, result, debug);
}

IOStatus LossyFileSystem::NewRandomAccessFile(const std::string& name, const FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                              IODebugContext* debug) {
  const std::string path = Normal(name);
  if (auto file = Find(path)) {
    *result = std::make_unique<LossyRandomAccessFile>(std::move(file));
    return IOStatus::OK();
  }
  if (IOStatus there = FileExists(path, IOOptions(), debug); !there.ok()) return there;
  return target()->NewRandomAccessFile(path, options, result, debug);
}

IOStatus LossyFileSystem::OpenExisting(const std::string& path, const FileOptions& options,
                                       bool truncate, std::shared_ptr<UnsyncedFile>* file) {
  const auto found = entries_.find(path);
  if (found != entries_.end()) {
    *file = found->second.file;
  } else if (OnDisk(path)) {
    uint64_t size = 0;
    IOStatus sized = target()->GetFileSize(path, IOOptions(), &size, nullptr);
    if (!sized.ok()) return sized;
    *file = UnsyncedFile::OnDisk(*target(), path, size);
    entries_[path] = {*file};
  } else {
    return NotFound(path);
  }
  return (*file)->Reopen(options, truncate);
}

std::unique_ptr<rocksdb::FSWritableFile> LossyFileSystem::Writer(
    std::shared_ptr<UnsyncedFile> file) {
  return std::make_unique<LossyWritableFile>(*this, std::move(file));
}

IOStatus LossyFileSystem::NewWritableFile(const std::string& name, const FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* result,
                                          IODebugContext*) {
  const std::string path = Normal(name);
  MutexLock lock(mutex_);
  std::shared_ptr<UnsyncedFile> file;
  if (IOStatus opened = OpenExisting(path, options, /*truncate=*/true, &file); !opened.ok()) {
    if (!opened.IsPathNotFound()) return opened;
    if (!OnDisk(FolderOf(path))) return NotFound(path);
    file = std::make_shared<UnsyncedFile>(*target(), options);
    entries_[path] = {file, ++names_given_};
  }
  *result = Writer(std::move(file));
  return IOStatus::OK();
}

IOStatus LossyFileSystem::ReopenWritableFile(const std::string& name, const FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             IODebugContext* debug) {
  {
    MutexLock lock(mutex_);
    std::shared_ptr<UnsyncedFile> file;
    const IOStatus opened = OpenExisting(Normal(name), options, /*truncate=*/false, &file);
    if (opened.ok()) *result = Writer(std::move(file));
    if (!opened.IsPathNotFound()) return opened;
  }
  return NewWritableFile(name, options, result, debug);
}

IOStatus LossyFileSystem::ReuseWritableFile(const std::string& name, const std::string&,
                                            const FileOptions&,
                                            std::unique_ptr<rocksdb::FSWritableFile>*,
                                            IODebugContext*) {
  return NotOffered("recycled files", name);
}

IOStatus LossyFileSystem::NewRandomRWFile(const std::string& name, const FileOptions&,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                          IODebugContext*) {
  return NotOffered("files for random writes", name);
}

IOStatus LossyFileSystem::NewMemoryMappedFileBuffer(
    const std::string& name, std::unique_ptr<rocksdb::MemoryMappedFileBuffer>*) {
  return NotOffered("memory maps", name);
}

IOStatus LossyFileSystem::LinkFile(const std::string& from, const std::string&, const IOOptions&,
                                   IODebugContext*) {
  return NotOffered("hard links", from);
}

IOStatus LossyFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* result,
                                       IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> on_disk;
  IOStatus opened = target()->NewDirectory(name, options, &on_disk, debug);
  if (opened.ok()) *result = std::make_unique<LossyFolder>(*this, Normal(name));
  return opened;
}

IOStatus LossyFileSystem::SyncFolder(const std::string& folder) {
  MutexLock lock(mutex_);
  std::vector<std::pair<uint64_t, std::string>> given;
  for (const auto& [path, entry] : entries_) {
    if (entry.given != 0 && FolderOf(path) == folder) given.emplace_back(entry.given, path);
  }
  std::sort(given.begin(), given.end());
  for (const auto& [order, path] : given) {
    Entry& entry = entries_.at(path);
    const std::string before = entry.file->disk_path();
    if (IOStatus linked = entry.file->LinkTo(path); !linked.ok()) return linked;
    moved_away_.erase(before);
    moved_away_.erase(path);
    entry.given = 0;
    if (entry.file->durable()) entries_.erase(path);
  }
  return IOStatus::OK();
}

void LossyFileSystem::DropDurable() {
  MutexLock lock(mutex_);
  std::erase_if(entries_, [](const auto& named) {
    return named.second.given == 0 && named.second.file->durable();
  });
}

IOStatus LossyFileSystem::FileExists(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  const std::string path = Normal(name);
  MutexLock lock(mutex_);
  if (entries_.contains(path)) return IOStatus::OK();
  if (moved_away_.contains(path)) return IOStatus::NotFound();
  return target()->FileExists(path, options, debug);
}

IOStatus LossyFileSystem::GetChildren(const std::string& name, const IOOptions& options,
                                      std::vector<std::string>* result, IODebugContext* debug) {
  const std::string folder = Normal(name);
  MutexLock lock(mutex_);
  std::vector<std::string> on_disk;
  if (IOStatus listed = target()->GetChildren(folder, options, &on_disk, debug); !listed.ok()) {
    return listed;
  }
  std::set<std::string> children;
  for (std::string& child : on_disk) {
    const bool gone = moved_away_.contains(Normal(folder + "/" + child));
    if (!gone && !absl::EndsWith(child, kUnlinkedSuffix)) children.insert(std::move(child));
  }
  for (const auto& [path, entry] : entries_) {
    if (FolderOf(path) == folder) children.insert(BaseOf(path));
  }
  result->assign(children.begin(), children.end());
  return IOStatus::OK();
}

IOStatus LossyFileSystem::GetChildrenFileAttributes(const std::string& folder,
                                                    const IOOptions& options,
                                                    std::vector<rocksdb::FileAttributes>* result,
                                                    IODebugContext* debug) {
  // Not the wrapper's, which asks the disk: that of the base, over GetChildren and GetFileSize.
  return rocksdb::FileSystem::GetChildrenFileAttributes(folder, options, result, debug);
}

IOStatus LossyFileSystem::GetFileSize(const std::string& name, const IOOptions& options,
                                      uint64_t* size, IODebugContext* debug) {
  const std::string path = Normal(name);
  if (const auto file = Find(path)) {
    *size = file->Size();
    return IOStatus::OK();
  }
  if (IOStatus there = FileExists(path, options, debug); !there.ok()) return there;
  return target()->GetFileSize(path, options, size, debug);
}

IOStatus LossyFileSystem::GetFileModificationTime(const std::string& name, const IOOptions& options,
                                                  uint64_t* time, IODebugContext* debug) {
  const std::string path = Normal(name);
  if (Find(path) == nullptr) return target()->GetFileModificationTime(path, options, time, debug);
  *time = static_cast<uint64_t>(std::time(nullptr));
  return IOStatus::OK();
}

IOStatus LossyFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  const std::string path = Normal(name);
  MutexLock lock(mutex_);
  const auto found = entries_.find(path);
  if (found == entries_.end()) {
    if (moved_away_.contains(path)) return NotFound(path);
    return target()->DeleteFile(path, options, debug);
  }
  const std::string before = found->second.file->disk_path();
  entries_.erase(found);
  // Where it was before it got its name, and what had that name before it.
  if (!before.empty() && before != path) {
    moved_away_.erase(before);
    if (IOStatus deleted = target()->DeleteFile(before, options, debug); !deleted.ok()) {
      return deleted;
    }
  }
  if (!OnDisk(path)) return IOStatus::OK();
  return target()->DeleteFile(path, options, debug);
}

IOStatus LossyFileSystem::Truncate(const std::string& name, size_t size, const IOOptions&,
                                   IODebugContext*) {
  const std::string path = Normal(name);
  std::shared_ptr<UnsyncedFile> file;
  {
    MutexLock lock(mutex_);
    IOStatus opened = OpenExisting(path, FileOptions(), /*truncate=*/false, &file);
    if (!opened.ok()) return opened;
  }
  IOStatus truncated = file->Truncate(size);
  if (truncated.ok()) truncated = file->Close();
  DropDurable();
  return truncated;
}

IOStatus LossyFileSystem::RenameFile(const std::string& from_name, const std::string& to_name,
                                     const IOOptions& options, IODebugContext* debug) {
  const std::string from = Normal(from_name);
  const std::string to = Normal(to_name);
  MutexLock lock(mutex_);
  std::shared_ptr<UnsyncedFile> file;
  const auto found = entries_.find(from);
  if (found != entries_.end()) {
    file = found->second.file;
    entries_.erase(found);
  } else if (OnDisk(from)) {
    uint64_t size = 0;
    if (IOStatus sized = target()->GetFileSize(from, options, &size, debug); !sized.ok()) {
      return sized;
    }
    file = UnsyncedFile::OnDisk(*target(), from, size);
  } else {
    return NotFound(from);
  }
  if (file->disk_path() == from) moved_away_.insert(from);
  entries_[to] = {std::move(file), ++names_given_};
  return IOStatus::OK();
}

}  // namespace penstock::rocks
