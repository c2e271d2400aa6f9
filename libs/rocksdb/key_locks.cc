#include "libs/rocksdb/key_locks.h"

#include <functional>

namespace penstock::rocks {

Awaitable<KeyLocks::Hold> KeyLocks::Lock(std::string key) {
  Granted granted;
  if (!TryLock(key, granted)) co_await granted.Wait();
  co_return Hold(this, std::move(key));
}

KeyLocks::Shard& KeyLocks::ShardOf(const std::string& key) {
  return shards_[std::hash<std::string>()(key) % shards_.size()];
}

bool KeyLocks::TryLock(const std::string& key, Granted& granted) {
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  const auto [entry, inserted] = shard.held.try_emplace(key);
  if (!inserted) entry->second.push_back(&granted);
  return inserted;
}

void KeyLocks::Unlock(const std::string& key) {
  Shard& shard = ShardOf(key);
  Granted* next = nullptr;
  {
    MutexLock lock(shard.mutex);
    const auto entry = shard.held.find(key);
    if (entry->second.empty()) {
      shard.held.erase(entry);
      return;
    }
    next = entry->second.front();
    entry->second.pop_front();
  }
  next->Set(true);
}

}  // namespace penstock::rocks
