// A few threads for work that blocks, with a bounded queue before them.
#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace penstock {

// Thread-safe. Destroying it runs what is queued, then joins.
class BoundedExecutor {
 public:
  BoundedExecutor(int threads, size_t max_queued);
  ~BoundedExecutor();

  // False, and `work` is dropped, when the queue is full.
  [[nodiscard]] bool TryPost(absl::AnyInvocable<void()> work);

  // Runs `work` on one of the threads and answers its result, absl::StatusOr<T>. RESOURCE_EXHAUSTED
  // with a retry delay when the queue is full.
  template <class Work>
  auto Run(Work work) -> Awaitable<decltype(work())> {
    OneShot<decltype(work())> done;
    if (!TryPost([&] { done.Set(work()); })) co_return Full();
    co_return co_await done.Wait();
  }

 private:
  static absl::Status Full();
  void Work();

  const size_t max_queued_;
  Mutex mutex_;
  CondVar ready_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace penstock
