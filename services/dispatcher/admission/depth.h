// How much waits for one pool, and who may still join.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  // Whether a turn may join, if it is small enough.
  bool HasRoom(const std::string& tenant, chat::v1::TurnClass turn_class) const;
  // The same as a refusal, which holds for a twentieth of `eta`, at most 100 ms: so little of what
  // waits is served meanwhile that no room is left unused.
  absl::Status CheckRoom(const std::string& tenant, chat::v1::TurnClass turn_class,
                         absl::Duration eta) const;
  // For a turn that an earlier life accepted.
  Place JoinAgain(WaitingPart part);

 private:
  struct Waiting {
    int64_t turns = 0;
    int64_t tokens = 0;
  };

  // What keeps a turn from joining.
  struct Lack {
    Waiting waiting;
    // Of one tenant; else of all.
    bool of_tenant = false;
    Waiting allowed;
    // Turns are lacking; else tokens.
    bool of_turns = false;
  };

  std::optional<Lack> LackFor(const WaitingPart& part) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same of what waits, of which the class may fill `share`.
  std::optional<Lack> LackIn(const Waiting& waiting, double share, const WaitingPart& part) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Refuse(const Lack& lack, const WaitingPart& part, absl::Duration eta) const;
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
