// How much waits for one pool, and who may still join.
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
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// A turn that has been accepted and has not started, wherever it stands in its session.
struct WaitingPart {
  std::string tenant;
  chat::v1::TurnClass turn_class;
  // Input and output, as expected.
  int64_t tokens;
};

struct DepthLimits {
  int64_t turns;
  int64_t tokens;
  // Of both, for one tenant.
  double tenant_share;
};

// As the depth fills, lower classes are refused first (ShareOf); likewise inside of a tenant's
// share. Who finds nobody there joins, however much it brings. Thread-safe; always held by a
// shared_ptr.
class Depth : public std::enable_shared_from_this<Depth> {
 public:
  // A turn's part of the depth, as long as it lives; it may outlive whoever made the depth.
  class [[nodiscard]] Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&& other) noexcept {
      std::swap(depth_, other.depth_);
      std::swap(part_, other.part_);
      return *this;
    }
    ~Place() {
      if (depth_ != nullptr) depth_->Leave(part_);
    }

   private:
    friend class Depth;
    Place(std::shared_ptr<Depth> depth, WaitingPart part)
        : depth_(std::move(depth)), part_(std::move(part)) {}

    // Null: no part of any.
    std::shared_ptr<Depth> depth_;
    WaitingPart part_ = {};
  };

  // `pool`: for messages.
  Depth(std::string pool, DepthLimits limits) : pool_(std::move(pool)), limits_(limits) {}

  // What waits stays, though it be more.
  void SetLimits(DepthLimits limits);

  // RESOURCE_EXHAUSTED (QUEUE_FULL); `eta` is what the turn would wait.
  absl::StatusOr<Place> Join(WaitingPart part, absl::Duration eta);
  // What Join would say now.
  absl::Status CheckRoom(const WaitingPart& part, absl::Duration eta) const;
  // For a turn that an earlier life accepted.
  Place JoinAgain(WaitingPart part);

 private:
  struct Waiting {
    int64_t turns = 0;
    int64_t tokens = 0;
  };

  absl::Status CheckAll(const WaitingPart& part, absl::Duration eta) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether `part` may join what waits; `whose`: for the message.
  absl::Status Check(const Waiting& waiting, double share, absl::string_view whose,
                     const WaitingPart& part, absl::Duration eta) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Place Add(WaitingPart part) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Leave(const WaitingPart& part);

  const std::string pool_;
  mutable Mutex mutex_;
  DepthLimits limits_ ABSL_GUARDED_BY(mutex_);
  Waiting all_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Waiting> tenants_ ABSL_GUARDED_BY(mutex_);
};

// By the name of the pool: one pool a model.
using Depths = absl::flat_hash_map<std::string, std::shared_ptr<Depth>>;

}  // namespace penstock::dispatcher
