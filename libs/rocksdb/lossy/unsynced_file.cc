#include "libs/rocksdb/lossy/unsynced_file.h"

#include <algorithm>
#include <cstring>

namespace penstock::rocks {

using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::shared_ptr<UnsyncedFile> UnsyncedFile::OnDisk(rocksdb::FileSystem& disk,
                                                   const std::string& path, uint64_t size) {
  auto file = std::make_shared<UnsyncedFile>(disk, rocksdb::FileOptions());
  MutexLock lock(file->mutex_);
  file->disk_path_ = path;
  file->on_disk_ = size;
  file->synced_ = size;
  file->closed_ = true;
  return file;
}

IOStatus UnsyncedFile::Reopen(const rocksdb::FileOptions& options, bool truncate) {
  MutexLock lock(mutex_);
  options_ = options;
  closed_ = false;
  if (truncate) {
    on_disk_ = synced_ = 0;
    tail_.clear();
    in_.reset();
  }
  if (disk_path_.empty()) return IOStatus::OK();
  return truncate ? disk_.NewWritableFile(disk_path_, options_, &out_, nullptr)
                  : disk_.ReopenWritableFile(disk_path_, options_, &out_, nullptr);
}

void UnsyncedFile::Append(const Slice& data) {
  MutexLock lock(mutex_);
  tail_.append(data.data(), data.size());
}

IOStatus UnsyncedFile::Sync() {
  MutexLock lock(mutex_);
  synced_ = on_disk_ + tail_.size();
  return disk_path_.empty() ? IOStatus::OK() : WriteOut(synced_);
}

IOStatus UnsyncedFile::WriteOut(uint64_t end) {
  const size_t count = end - on_disk_;
  if (count == 0) return IOStatus::OK();
  IOStatus status = out_->Append(Slice(tail_.data(), count), IOOptions(), nullptr);
  if (!status.ok()) return status;
  on_disk_ = end;
  tail_.erase(0, count);
  in_.reset();  // it may know the size of the file
  return status;
}

IOStatus UnsyncedFile::Truncate(uint64_t size) {
  MutexLock lock(mutex_);
  synced_ = std::min(synced_, size);
  if (size >= on_disk_) {
    tail_.resize(size - on_disk_);
    return IOStatus::OK();
  }
  tail_.clear();
  on_disk_ = size;
  in_.reset();
  return out_->Truncate(size, IOOptions(), nullptr);
}

IOStatus UnsyncedFile::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  if (out_ == nullptr || !tail_.empty()) return IOStatus::OK();
  IOStatus status = out_->Close(IOOptions(), nullptr);
  out_.reset();
  return status;
}

IOStatus UnsyncedFile::LinkTo(const std::string& path) {
  MutexLock lock(mutex_);
  std::string from = disk_path_;
  if (from.empty()) {
    from = path + kUnlinkedSuffix;
    IOStatus made = disk_.NewWritableFile(from, options_, &out_, nullptr);
    if (made.ok()) made = WriteOut(synced_);
    if (made.ok() && closed_ && tail_.empty()) {
      made = out_->Close(IOOptions(), nullptr);
      out_.reset();
    }
    if (!made.ok()) return made;
  }
  if (from != path) {
    IOStatus renamed = disk_.RenameFile(from, path, IOOptions(), nullptr);
    if (!renamed.ok()) return renamed;
  }
  disk_path_ = path;
  return IOStatus::OK();
}

IOStatus UnsyncedFile::Read(uint64_t offset, size_t n, Slice* result, char* scratch) {
  MutexLock lock(mutex_);
  const uint64_t end = std::min<uint64_t>(offset + n, on_disk_ + tail_.size());
  size_t read = 0;
  if (offset < std::min(on_disk_, end)) {
    if (in_ == nullptr) {
      IOStatus opened =
          disk_.NewRandomAccessFile(disk_path_, rocksdb::FileOptions(), &in_, nullptr);
      if (!opened.ok()) return opened;
    }
    const size_t wanted = std::min(on_disk_, end) - offset;
    Slice part;
    IOStatus status = in_->Read(offset, wanted, IOOptions(), &part, scratch, nullptr);
    if (!status.ok()) return status;
    if (part.data() != scratch) std::memmove(scratch, part.data(), part.size());
    read = part.size();
    if (read < wanted) return IOStatus::Corruption("shorter on disk than written", disk_path_);
  }
  if (offset + read < end) {
    const size_t from = offset + read - on_disk_;
    std::memcpy(scratch + read, tail_.data() + from, end - offset - read);
    read = end - offset;
  }
  *result = Slice(scratch, read);
  return IOStatus::OK();
}

uint64_t UnsyncedFile::Size() const {
  MutexLock lock(mutex_);
  return on_disk_ + tail_.size();
}

std::string UnsyncedFile::disk_path() const {
  MutexLock lock(mutex_);
  return disk_path_;
}

bool UnsyncedFile::durable() const {
  MutexLock lock(mutex_);
  return closed_ && tail_.empty() && !disk_path_.empty();
}

}  // namespace penstock::rocks
