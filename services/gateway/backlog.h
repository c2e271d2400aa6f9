// How many turns are submitted and not yet answered, and when that is more than the mesh can do.
//
// Whoever submits faster than the processes can work fills memory and makes all wait, until every
// answer comes too late. So a submission that finds the gateway overloaded is refused at once,
// before its token is looked at.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::gateway {

struct BacklogLimits {
  // Submissions without an answer while the gateway is overloaded.
  int64_t overloaded;
  // The same at any time: what a burst may bring.
  int64_t burst;
};

// A burst is taken, and so are as many callers as one likes who are answered soon. The gateway is
// overloaded once for 250 ms on end at least `overloaded` have been unanswered and none was
// answered within 50 ms of its arrival; until fewer were unanswered for a second on end.
// Thread-safe. Metric: penstock_gateway_unanswered_submissions.
class Backlog {
 public:
  // A submission's place. The backlog outlives it.
  class Place {
   public:
    Place(Backlog& backlog, absl::Duration entered) : backlog_(&backlog), entered_(entered) {}
    ~Place() { Leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // The submission is answered, or waits for something else. At most one thread at a time.
    void Leave() {
      if (Backlog* const backlog = std::exchange(backlog_, nullptr)) backlog->Leave(entered_);
    }
    // It is answered without any work of the mesh: how soon says nothing about that.
    void Withdraw() {
      if (Backlog* const backlog = std::exchange(backlog_, nullptr)) backlog->Leave(std::nullopt);
    }

   private:
    Backlog* backlog_;
    const absl::Duration entered_;
  };

  Backlog(const Clock& clock, obs::Metrics& metrics, BacklogLimits limits);

  // Null: no room. `urgent` ones find room in an overloaded gateway, too, up to the burst.
  std::unique_ptr<Place> Enter(bool urgent);

  // RESOURCE_EXHAUSTED (OVERLOADED).
  static absl::Status Overloaded();

 private:
  bool IsOverloaded(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `entered`: when the submission came, unless its answer says nothing about the mesh.
  void Leave(std::optional<absl::Duration> entered);

  const Clock& clock_;
  const BacklogLimits limits_;
  prometheus::Gauge& gauge_;

  Mutex mutex_;
  int64_t unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  // Since when at least `limits_.overloaded` are unanswered and none was answered soon; nothing:
  // fewer are unanswered.
  std::optional<absl::Duration> full_since_ ABSL_GUARDED_BY(mutex_);
  // Set while overloaded: when it last was full.
  std::optional<absl::Duration> last_full_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::gateway
