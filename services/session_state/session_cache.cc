#include "services/session_state/session_cache.h"

#include <utility>

namespace penstock::session_state {
namespace {

// What an entry takes beside its content: list and map nodes, keys.
constexpr int64_t kBytesOfEntry = 256;

int64_t BytesOf(const CachedSession& session) {
  size_t bytes = session.stored.SpaceUsedLong() + session.recent.bytes();
  if (session.begun) bytes += session.begun->SpaceUsedLong();
  return static_cast<int64_t>(bytes) + kBytesOfEntry;
}

}  // namespace

SessionCache::SessionCache(int64_t max_bytes, obs::Metrics& metrics)
    : max_bytes_(max_bytes),
      hits_(metrics.AddCounter("penstock_session_state_cache_hits_total",
                               "Changes by turns that found their session in memory")),
      misses_(metrics.AddCounter("penstock_session_state_cache_misses_total",
                                 "Changes by turns that had to read their session")),
      bytes_gauge_(metrics.AddGauge("penstock_session_state_cache_bytes",
                                    "Memory that sessions kept in memory take")) {}

std::unique_ptr<CachedSession> SessionCache::Take(const SessionKey& key) {
  MutexLock lock(mutex_);
  auto session = Remove(key);
  (session ? hits_ : misses_).Increment();
  return session;
}

void SessionCache::Put(const SessionKey& key, std::unique_ptr<CachedSession> session) {
  const int64_t bytes = BytesOf(*session);
  MutexLock lock(mutex_);
  Remove(key);
  entries_.push_front({key.bytes(), std::move(session), bytes});
  by_key_.emplace(key.bytes(), entries_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  bytes_gauge_.Set(static_cast<double>(bytes_));
}

void SessionCache::Drop(const SessionKey& key) {
  MutexLock lock(mutex_);
  Remove(key);
}

std::unique_ptr<CachedSession> SessionCache::Remove(const SessionKey& key) {
  const auto found = by_key_.find(key.bytes());
  if (found == by_key_.end()) return nullptr;
  const auto entry = found->second;
  auto session = std::move(entry->session);
  bytes_ -= entry->bytes;
  by_key_.erase(found);
  entries_.erase(entry);
  bytes_gauge_.Set(static_cast<double>(bytes_));
  return session;
}

}  // namespace penstock::session_state
