#include "libs/async/bounded_executor.h"

#include <utility>

#include "libs/base/refusal.h"

namespace penstock {

BoundedExecutor::BoundedExecutor(int threads, size_t max_queued) : max_queued_(max_queued) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

BoundedExecutor::~BoundedExecutor() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    ready_.NotifyAll();
  }
  for (auto& thread : threads_) thread.join();
}

bool BoundedExecutor::TryPost(absl::AnyInvocable<void()> work) {
  MutexLock lock(mutex_);
  if (queue_.size() >= max_queued_) return false;
  queue_.push_back(std::move(work));
  ready_.NotifyOne();
  return true;
}

absl::Status BoundedExecutor::Full() {
  return Refusal(absl::StatusCode::kResourceExhausted, "STORE_BUSY",
                 "the queue of blocking reads is full; try again")
      .RetryAfter(absl::Milliseconds(100));
}

void BoundedExecutor::Work() {
  while (true) {
    absl::AnyInvocable<void()> work;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) ready_.Wait(mutex_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace penstock
