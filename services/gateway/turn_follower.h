// One turn's events, over as many streams from the dispatcher as it takes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "services/gateway/backoff.h"
#include "services/gateway/caller.h"
#include "services/gateway/downstream.h"
#include "services/gateway/submission.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::gateway {

// What all followers share. The references outlive them.
struct FollowerParts {
  Downstream& downstream;
  Clock& clock;
  Timers& timers;
  prometheus::Counter& reattachments;
};

// Answers every event once, in order. A stream that breaks after the dispatcher has accepted the
// turn is taken up again behind the last event, until the caller goes. Before that nobody knows the
// turn's fate: a request whose id was made here is sent again, with that id, for 10 s; any other
// ends with UNAVAILABLE, and its caller sends it again.
//
// One coroutine at a time; `caller` and `parts` outlive it.
class TurnFollower {
 public:
  // Submits the turn and follows it. `outcome_only`: Accepted, ToolCallsRequested and Finished.
  TurnFollower(const FollowerParts& parts, const Caller& caller, Submission submission,
               bool outcome_only);
  // Follows a turn from behind `after_index`.
  TurnFollower(const FollowerParts& parts, const Caller& caller, std::string name,
               int64_t after_index);

  // The next event; nullopt after Finished. The status is what callers may see.
  Awaitable<absl::StatusOr<std::optional<chat::v1::TurnEvent>>> Next();

  // Empty until the turn is accepted.
  const std::string& name() const { return name_; }

  // Stops watching the turn. Thread-safe, while Next does not run.
  void Cancel();

 private:
  void Open();
  // True: events of before the break, of which the caller has seen all.
  bool IsOld(const chat::v1::TurnEvent& event) const { return event.index() <= last_index_; }
  void Note(const chat::v1::TurnEvent& event);
  // OK: the stream may be opened again, after a pause.
  absl::Status MayReopen(const absl::Status& broken) const;
  bool IsUp() const;
  // The turn is accepted, or waits for a dispatcher to be there.
  void LeaveBacklog() const;

  const FollowerParts& parts_;
  const Caller& caller_;
  std::optional<Submission> submission_;
  const bool outcome_only_;
  const absl::Duration started_;
  Backoff backoff_;
  // Empty until the turn is accepted.
  std::string name_;
  int64_t last_index_ = 0;
  bool in_contact_ = false;
  bool finished_ = false;
  absl::Duration opened_;
  std::unique_ptr<TurnStream> stream_;
};

}  // namespace penstock::gateway
