// Keeps a class for what it is meant for: at most a part of a tenant's turns.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "libs/base/mutex.h"

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Counts the turns of the last 60 s by the second; empty at every start. `now` is Clock::Monotonic
// everywhere. Thread-safe.
class TenantShare {
 public:
  // Of a tenant's turns `share` may be of the class, and always 10.
  explicit TenantShare(double share) : share_(share) {}
  void SetShare(double share);

  // A turn's part; none: it may not be of the class, or was not asked for. Given back when this
  // goes, unless it was kept. The share outlives it.
  class [[nodiscard]] Part {
   public:
    Part() = default;
    Part(Part&& other) noexcept;
    Part& operator=(Part&& other) noexcept;
    ~Part();

    explicit operator bool() const { return share_ != nullptr; }
    // The turn was accepted, of the class.
    void Keep() { share_ = nullptr; }

   private:
    friend class TenantShare;
    Part(TenantShare& share, std::string tenant, absl::Duration taken)
        : share_(&share), tenant_(std::move(tenant)), taken_(taken) {}

    // Null: nothing to give back.
    TenantShare* share_ = nullptr;
    std::string tenant_;
    absl::Duration taken_;
  };
  // Counts one more turn of the class, if the tenant may have it.
  Part Take(const std::string& tenant, absl::Duration now);
  // A turn of another class was accepted.
  void CountOther(const std::string& tenant, absl::Duration now);

  void DropOld(absl::Duration now);

 private:
  struct Second {
    int64_t second = 0;
    int64_t turns = 0;
    int64_t of_class = 0;
  };
  struct Minute {
    // Oldest first.
    std::deque<Second> seconds;
    int64_t turns = 0;
    int64_t of_class = 0;
  };

  void GiveBack(const std::string& tenant, absl::Duration taken);
  static void DropOldSeconds(int64_t now, Minute& minute);
  static void Add(int64_t now, int64_t of_class, Minute& minute);

  Mutex mutex_;
  double share_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Minute> tenants_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
