// A value that is read by many and replaced as a whole now and then.
#pragma once

#include <memory>
#include <utility>

#include "libs/base/mutex.h"

namespace penstock {

// Thread-safe.
template <class T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> first) : current_(std::move(first)) {}

  // Never null. What was read stays as it is while it is held, whatever is set meanwhile.
  std::shared_ptr<const T> Get() const {
    MutexLock lock(mutex_);
    return current_;
  }
  // `next` is not null.
  void Set(std::shared_ptr<const T> next) {
    MutexLock lock(mutex_);
    current_.swap(next);  // the old one is dropped after the lock
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock
