// The events of turns that ended a short while ago, for watchers that come late or come back.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "libs/base/mutex.h"
#include "libs/identity/principal.h"
#include "services/dispatcher/turn/event_log.h"

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

using TurnKey = std::pair<identity::UserKey, std::string>;

// Keeps each log for `retention`, and at most `max_bytes` of all together: the oldest give way.
// Thread-safe.
class RetainedLogs {
 public:
  RetainedLogs(absl::Duration retention, int64_t max_bytes)
      : retention_(retention), max_bytes_(max_bytes) {}

  // `now` is Clock::Monotonic.
  void Keep(TurnKey key, std::shared_ptr<EventLog> log, int64_t bytes, absl::Duration now);
  // Null when it is not kept (any more).
  std::shared_ptr<EventLog> Find(const TurnKey& key) const;
  void DropOld(absl::Duration now);

 private:
  struct Kept {
    TurnKey key;
    absl::Duration until;
    int64_t bytes;
  };
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration retention_;
  const int64_t max_bytes_;
  mutable Mutex mutex_;
  absl::flat_hash_map<TurnKey, std::shared_ptr<EventLog>> logs_ ABSL_GUARDED_BY(mutex_);
  std::deque<Kept> by_age_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace penstock::dispatcher
