// Counts detached work, so that what it uses is not taken away under it.
#pragma once

#include <cstdint>

#include "libs/base/mutex.h"

namespace penstock {

// Thread-safe.
class LiveCount {
 public:
  // Held by the work for as long as it runs.
  class Holder {
   public:
    explicit Holder(LiveCount& count) : count_(&count) { count.Add(1); }
    Holder(Holder&& other) noexcept : count_(other.count_) { other.count_ = nullptr; }
    Holder& operator=(Holder&&) = delete;
    ~Holder() {
      if (count_ != nullptr) count_->Add(-1);
    }

   private:
    LiveCount* count_;
  };

  Holder Hold() { return Holder(*this); }

  int64_t count() const {
    MutexLock lock(mutex_);
    return count_;
  }

  // Blocks until nothing is held.
  void WaitUntilNone() {
    MutexLock lock(mutex_);
    while (count_ > 0) none_.Wait(mutex_);
  }

 private:
  void Add(int64_t change) {
    MutexLock lock(mutex_);
    count_ += change;
    if (count_ == 0) none_.NotifyAll();
  }

  mutable Mutex mutex_;
  CondVar none_;
  int64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace penstock
