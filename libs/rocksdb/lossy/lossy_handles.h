// Open files and folders of a LossyFileSystem, as RocksDB holds them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "libs/base/failpoint.h"
#include "libs/rocksdb/lossy/lossy_file_system.h"

namespace penstock::rocks {

class LossyWritableFile : public rocksdb::FSWritableFile {
 public:
  LossyWritableFile(LossyFileSystem& owner, std::shared_ptr<UnsyncedFile> file)
      : owner_(owner), file_(std::move(file)) {}
  ~LossyWritableFile() override { Shut().PermitUncheckedError(); }

  using rocksdb::FSWritableFile::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions&,
                           rocksdb::IODebugContext*) override {
    file_->Append(data);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions&,
                             rocksdb::IODebugContext*) override {
    return file_->Truncate(size);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return Shut();
  }
  rocksdb::IOStatus Flush(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    PENSTOCK_FAILPOINT("files.before_sync");
    rocksdb::IOStatus status = file_->Sync();
    PENSTOCK_FAILPOINT("files.after_sync");
    return status;
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return file_->Size();
  }

 private:
  rocksdb::IOStatus Shut() {
    if (std::exchange(shut_, true)) return rocksdb::IOStatus::OK();
    const rocksdb::IOStatus closed = file_->Close();
    owner_.DropDurable();
    return closed;
  }

  LossyFileSystem& owner_;
  const std::shared_ptr<UnsyncedFile> file_;
  bool shut_ = false;
};

class LossyRandomAccessFile : public rocksdb::FSRandomAccessFile {
 public:
  explicit LossyRandomAccessFile(std::shared_ptr<UnsyncedFile> file) : file_(std::move(file)) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions&,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    return file_->Read(offset, n, result, scratch);
  }

 private:
  const std::shared_ptr<UnsyncedFile> file_;
};

class LossySequentialFile : public rocksdb::FSSequentialFile {
 public:
  explicit LossySequentialFile(std::shared_ptr<UnsyncedFile> file) : file_(std::move(file)) {}

  rocksdb::IOStatus Read(size_t n, const rocksdb::IOOptions&, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) override {
    rocksdb::IOStatus status = file_->Read(position_, n, result, scratch);
    if (status.ok()) position_ += result->size();
    return status;
  }
  rocksdb::IOStatus Skip(uint64_t n) override {
    position_ += n;
    return rocksdb::IOStatus::OK();
  }

 private:
  const std::shared_ptr<UnsyncedFile> file_;
  uint64_t position_ = 0;
};

class LossyFolder : public rocksdb::FSDirectory {
 public:
  LossyFolder(LossyFileSystem& owner, std::string path) : owner_(owner), path_(std::move(path)) {}

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    PENSTOCK_FAILPOINT("files.before_folder_sync");
    return owner_.SyncFolder(path_);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }

 private:
  LossyFileSystem& owner_;
  const std::string path_;
};

}  // namespace penstock::rocks
