// Keeps class ACTION for what it is meant for: at most a part of a tenant's turns.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "libs/base/mutex.h"

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Counts the turns of the last 60 s by the second; empty at every start. `now` is Clock::Monotonic
// everywhere. Thread-safe.
class ActionShare {
 public:
  // Of a tenant's turns `share` may be of class ACTION, and always 10.
  explicit ActionShare(double share) : share_(share) {}
  void SetShare(double share);

  // Whether another turn of the tenant may be; it counts then.
  bool Take(const std::string& tenant, absl::Duration now);
  // A Take of that time was in vain: the turn was refused.
  void GiveBack(const std::string& tenant, absl::Duration taken);
  // A turn of another class was accepted.
  void CountOther(const std::string& tenant, absl::Duration now);

  void DropOld(absl::Duration now);

 private:
  struct Second {
    int64_t second = 0;
    int64_t turns = 0;
    int64_t actions = 0;
  };
  struct Minute {
    // Oldest first.
    std::deque<Second> seconds;
    int64_t turns = 0;
    int64_t actions = 0;
  };

  static void DropOldSeconds(int64_t now, Minute& minute);
  static void Add(int64_t now, int64_t actions, Minute& minute);

  Mutex mutex_;
  double share_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Minute> tenants_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
