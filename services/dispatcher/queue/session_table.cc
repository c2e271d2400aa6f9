#include "services/dispatcher/queue/session_table.h"

#include <iterator>

namespace penstock::dispatcher {

std::shared_ptr<SessionEntry> SessionTable::Get(const SessionKey& key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    recency_.splice(recency_.begin(), recency_, found->second);
    return *found->second;
  }
  recency_.push_front(std::make_shared<SessionEntry>(key));
  entries_.emplace(key, recency_.begin());
  auto entry = recency_.front();
  Evict();
  return entry;
}

std::shared_ptr<SessionEntry> SessionTable::Find(const SessionKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : *found->second;
}

void SessionTable::Forget(const SessionKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  const auto& entry = *found->second;
  entry->resolved = false;
  if (!entry->line.empty() || entry.use_count() > 1) return;
  recency_.erase(found->second);
  entries_.erase(found);
}

void SessionTable::Evict() {
  // Entries in use are passed over; a few steps a call keep the cost bounded.
  auto oldest = recency_.end();
  for (int steps = 0; entries_.size() > max_idle_ && steps < 8 && oldest != recency_.begin();
       ++steps) {
    oldest = std::prev(oldest);
    if (!(*oldest)->line.empty() || oldest->use_count() > 1) continue;
    entries_.erase((*oldest)->key);
    oldest = recency_.erase(oldest);
  }
}

}  // namespace penstock::dispatcher
