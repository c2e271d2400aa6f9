// A fact that many coroutines may wait for.
#pragma once

#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"

namespace penstock::dispatcher {

// Thread-safe.
class Known {
 public:
  explicit Known(bool known) : known_(known) {}

  // True for the first call that says so.
  bool Set() {
    std::vector<std::shared_ptr<OneShot<bool>>> waiters;
    {
      MutexLock lock(mutex_);
      if (std::exchange(known_, true)) return false;
      waiters.swap(waiters_);
    }
    for (const auto& waiter : waiters) waiter->Set(true);
    return true;
  }

  // False when `stop` comes first.
  Awaitable<bool> Wait(std::stop_token stop) {
    const auto waiter = std::make_shared<OneShot<bool>>();
    {
      MutexLock lock(mutex_);
      if (known_) co_return true;
      waiters_.push_back(waiter);
    }
    const std::stop_callback on_stop(stop, [waiter] { waiter->Set(false); });
    co_return co_await waiter->Wait();
  }

 private:
  Mutex mutex_;
  bool known_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<OneShot<bool>>> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
