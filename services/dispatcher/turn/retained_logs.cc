#include "services/dispatcher/turn/retained_logs.h"

namespace penstock::dispatcher {

void RetainedLogs::Keep(TurnKey key, std::shared_ptr<EventLog> log, int64_t bytes,
                        absl::Duration now) {
  MutexLock lock(mutex_);
  if (!logs_.try_emplace(key, std::move(log)).second) return;
  by_age_.push_back({std::move(key), now + retention_, bytes});
  bytes_ += bytes;
  while (bytes_ > max_bytes_ && by_age_.size() > 1) DropOldest();
}

std::shared_ptr<EventLog> RetainedLogs::Find(const TurnKey& key) const {
  MutexLock lock(mutex_);
  const auto found = logs_.find(key);
  return found == logs_.end() ? nullptr : found->second;
}

void RetainedLogs::DropOld(absl::Duration now) {
  MutexLock lock(mutex_);
  while (!by_age_.empty() && by_age_.front().until <= now) DropOldest();
}

void RetainedLogs::DropOldest() {
  bytes_ -= by_age_.front().bytes;
  logs_.erase(by_age_.front().key);
  by_age_.pop_front();
}

}  // namespace penstock::dispatcher
