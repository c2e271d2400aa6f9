// A mutex per key, for coroutines: read, decide, commit, with nobody in between.
//
// Waiting suspends the coroutine and blocks no thread, so a hold may span a co_await. First come,
// first served. Memory is held only for keys that are locked. Locks of two keys: always in the same
// order of kinds, or they wait for each other for ever.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <utility>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::rocks {

// Thread-safe. Must outlive every hold.
class KeyLocks {
 public:
  // The key is locked as long as this lives.
  class [[nodiscard]] Hold {
   public:
    Hold(Hold&& other) noexcept
        : locks_(std::exchange(other.locks_, nullptr)), key_(std::move(other.key_)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold() {
      if (locks_) locks_->Unlock(key_);
    }

   private:
    friend class KeyLocks;
    Hold(KeyLocks* locks, std::string key) : locks_(locks), key_(std::move(key)) {}

    KeyLocks* locks_;
    std::string key_;
  };

  // Does not suspend when nobody holds the key.
  Awaitable<Hold> Lock(std::string key);

 private:
  using Granted = OneShot<bool>;

  struct Shard {
    Mutex mutex;
    // Keys that are held, with those who wait for them in order of arrival.
    absl::flat_hash_map<std::string, std::deque<Granted*>> held ABSL_GUARDED_BY(mutex);
  };

  Shard& ShardOf(const std::string& key);
  // True: locked. False: `granted` is set when it is this caller's turn.
  bool TryLock(const std::string& key, Granted& granted);
  void Unlock(const std::string& key);

  std::array<Shard, 64> shards_;
};

}  // namespace penstock::rocks
