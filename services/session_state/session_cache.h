// The sessions used last, kept in memory up to a number of bytes, so that a turn of one reads
// nothing.
//
// Who changes a session holds its lock, takes it out, and puts it back once the change is written.
// Whatever goes wrong in between, or is not understood, leaves it out, and the next one reads what
// is stored. A change that leaves a session as nobody needs it soon, or removes it, only drops it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/session/v1/stored.pb.h"
#include "services/session_state/recent_turns.h"
#include "services/session_state/session_keys.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::session_state {

// As it is stored.
struct CachedSession {
  session::v1::StoredSession stored;
  // The turn that began last, unless it has ended.
  std::optional<chat::v1::Turn> begun = {};
  // How many are kept of that turn.
  int32_t begun_steps = 0;
  RecentTurns recent = {};
};

// Thread-safe.
class SessionCache {
 public:
  // 0 bytes: keeps nothing. Metrics: penstock_session_state_cache_{hits,misses}_total, _bytes.
  SessionCache(int64_t max_bytes, obs::Metrics& metrics);

  // Null when it is not there.
  std::unique_ptr<CachedSession> Take(const SessionKey& key);
  void Put(const SessionKey& key, std::unique_ptr<CachedSession> session);
  void Drop(const SessionKey& key);

 private:
  struct Entry {
    std::string key;
    std::unique_ptr<CachedSession> session;
    int64_t bytes;
  };
  using Entries = std::list<Entry>;

  std::unique_ptr<CachedSession> Remove(const SessionKey& key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t max_bytes_;
  prometheus::Counter& hits_;
  prometheus::Counter& misses_;
  prometheus::Gauge& bytes_gauge_;

  Mutex mutex_;
  // Used last comes first.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Entries::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace penstock::session_state
