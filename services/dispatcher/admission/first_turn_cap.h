// Who may still start a turn of class FIRST: 6 an hour and user.
#pragma once

#include <optional>

#include "libs/base/mutex.h"
#include "libs/identity/principal.h"
#include "penstock/dispatcher/v1/journal.pb.h"

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Holds the counters of users with such turns in the last hour; the journal has them too, as
// absolute values. Thread-safe.
class FirstTurnCap {
 public:
  static constexpr int kTurnsAnHour = 6;

  bool Knows(const identity::UserKey& user) const;
  // What the journal has of a user; ignored when it is known already.
  void Learn(const identity::UserKey& user, v1::UserCounters stored);
  // Books one turn at `now`. The counters to journal with it; nullopt when the hour is used up.
  std::optional<v1::UserCounters> Take(const identity::UserKey& user, absl::Time now);
  // Drops users whose last such turn is more than an hour old.
  void DropOld(absl::Time now);

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<identity::UserKey, v1::UserCounters> counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
