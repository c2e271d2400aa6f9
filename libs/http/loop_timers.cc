#include "libs/http/loop_timers.h"

namespace penstock::http {

class LoopTimers::Handle : public Timer {
 public:
  Handle(LoopTimers& timers, Key key) : timers_(timers), key_(key) {}
  ~Handle() override {
    absl::AnyInvocable<void()> dropped;  // destroyed outside the lock
    MutexLock lock(timers_.mutex_);
    const auto found = timers_.pending_.find(key_);
    if (found == timers_.pending_.end()) return;
    dropped = std::move(found->second);
    timers_.pending_.erase(found);
  }

 private:
  LoopTimers& timers_;
  const Key key_;
};

std::unique_ptr<Timer> LoopTimers::After(absl::Duration delay,
                                         absl::AnyInvocable<void()> callback) {
  Key key{clock_.Monotonic() + delay, 0};
  bool first = false;
  {
    MutexLock lock(mutex_);
    key.second = next_++;
    first = pending_.emplace(key, std::move(callback)).first == pending_.begin();
  }
  if (first) wake_();
  return std::make_unique<Handle>(*this, key);
}

absl::Duration LoopTimers::NextDue() const {
  MutexLock lock(mutex_);
  return pending_.empty() ? absl::InfiniteDuration() : pending_.begin()->first.first;
}

void LoopTimers::RunDue() {
  const absl::Duration now = clock_.Monotonic();
  while (auto due = TakeDue(now)) due();
}

absl::AnyInvocable<void()> LoopTimers::TakeDue(absl::Duration now) {
  MutexLock lock(mutex_);
  const auto first = pending_.begin();
  if (first == pending_.end() || first->first.first > now) return nullptr;
  auto due = std::move(first->second);
  pending_.erase(first);
  return due;
}

}  // namespace penstock::http
