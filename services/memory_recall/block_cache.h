// The ranking blocks of the users seen last, kept in memory up to a number of bytes.
//
// A block follows the writes of its user: they are applied to it, so that a recall after a turn
// need not read everything again. A block that was being read while its user's memories changed is
// used for that one recall and not kept.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/identity/principal.h"
#include "libs/obs/metrics.h"
#include "services/memory_recall/user_block.h"

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

namespace penstock::memory_recall {

// A block and its lock. Held for as long as ranking takes; nothing is awaited under it.
class SharedBlock {
 public:
  explicit SharedBlock(UserBlock block) : block_(std::move(block)) {}

  void Read(absl::FunctionRef<void(const UserBlock&)> read) const {
    MutexLock lock(mutex_);
    read(block_);
  }
  void Change(absl::FunctionRef<void(UserBlock&)> change) {
    MutexLock lock(mutex_);
    change(block_);
  }

 private:
  mutable Mutex mutex_;
  UserBlock block_ ABSL_GUARDED_BY(mutex_);
};

// Thread-safe.
class BlockCache {
 public:
  // Metrics: penstock_memory_recall_block_cache_{hits,misses}_total, _bytes.
  BlockCache(size_t max_bytes, obs::Metrics& metrics);

  // Null when it is not there.
  std::shared_ptr<SharedBlock> Find(identity::UserKey user);

  // Before a block is read from the store; give the answer to Put.
  uint64_t BeginLoad(identity::UserKey user);
  // Keeps the block, unless the user's memories were changed since BeginLoad. Either way it is
  // answered.
  std::shared_ptr<SharedBlock> Put(identity::UserKey user, uint64_t load, UserBlock block);

  // After a write: brings the user's block, if it is here, up to date.
  void Changed(identity::UserKey user, const std::vector<MemoryFeatures>& added,
               const std::vector<std::string>& removed);

 private:
  struct Entry {
    identity::UserKey user;
    std::shared_ptr<SharedBlock> block;
    size_t bytes;
  };
  using Entries = std::list<Entry>;

  uint64_t& ChangesOf(identity::UserKey user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Resize(identity::UserKey user, const SharedBlock* block, size_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Evict() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  prometheus::Counter& hits_;
  prometheus::Counter& misses_;
  prometheus::Gauge& bytes_gauge_;

  Mutex mutex_;
  // Used last comes first.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<identity::UserKey, Entries::iterator> by_user_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Writes seen so far, of all users that share a place.
  std::array<uint64_t, 1024> changes_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace penstock::memory_recall
