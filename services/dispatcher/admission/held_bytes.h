// How many bytes the turns that were accepted and have not ended hold, and who may bring more.
//
// What a turn brought (input with its images, overrides) stands in the journal and in memory until
// the turn ends; a hundred thousand small turns may wait, but not so many with a picture each. The
// bound is on memory, so it is one for all pools, and turns that run count, too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "libs/base/mutex.h"
#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/admission/refusals.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

struct BroughtBytes {
  std::string tenant;
  chat::v1::TurnClass turn_class;
  int64_t bytes;
};

struct HeldBytesLimits {
  int64_t bytes;
  // Of that, for one tenant.
  double tenant_share;
};

// Classes may fill the same parts of it as of a pool's depth (ShareOf), likewise inside of a
// tenant's share. Who finds nothing held joins, however much it brings: what one request may be is
// bounded elsewhere. Thread-safe; always held by a shared_ptr.
class HeldBytes : public std::enable_shared_from_this<HeldBytes> {
 public:
  // What a turn holds, as long as it lives; it may outlive whoever made HeldBytes.
  class [[nodiscard]] Part {
   public:
    Part() = default;
    Part(Part&& other) noexcept = default;
    Part& operator=(Part&& other) noexcept {
      std::swap(held_, other.held_);
      std::swap(brought_, other.brought_);
      return *this;
    }
    ~Part() {
      if (held_ != nullptr) held_->GiveBack(brought_);
    }

   private:
    friend class HeldBytes;
    Part(std::shared_ptr<HeldBytes> held, BroughtBytes brought)
        : held_(std::move(held)), brought_(std::move(brought)) {}

    // Null: nothing.
    std::shared_ptr<HeldBytes> held_;
    BroughtBytes brought_ = {};
  };

  explicit HeldBytes(HeldBytesLimits limits) : limits_(limits) {}

  // What is held stays, though it be more.
  void SetLimits(HeldBytesLimits limits);

  // RESOURCE_EXHAUSTED (QUEUE_FULL); `eta` is what the turn would wait.
  absl::StatusOr<Part> Take(BroughtBytes brought, absl::Duration eta);
  // For a turn that an earlier life accepted.
  Part TakeAgain(BroughtBytes brought);

  // By all turns.
  int64_t bytes() const;

 private:
  absl::Status Check(const BroughtBytes& brought, absl::Duration eta) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Part Add(BroughtBytes brought) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBack(const BroughtBytes& brought);

  mutable Mutex mutex_;
  HeldBytesLimits limits_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, int64_t> tenants_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
