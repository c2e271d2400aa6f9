// One accepted turn that has not ended: what was asked, how far it is, and how it is stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/one_shot.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/identity/principal.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/journal.pb.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/turn/event_log.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Why a turn is stopped. The first reason counts.
enum class StopReason {
  kNone,
  // CancelTurn, or the deletion of its session.
  kCancelled,
  // Nobody watched it for turn.disconnect_grace.
  kUnwatched,
  kDeadline,
  // This dispatcher no longer owns the shard, or it is shutting down: the turn goes on elsewhere.
  kOwnerMoved,
};

// Thread-safe. Always held by a shared_ptr.
class LiveTurn : public std::enable_shared_from_this<LiveTurn> {
 public:
  struct Timing {
    absl::Duration disconnect_grace;
    Clock& clock;
    Timers& timers;
  };

  // `unfinished.started` and the other records are those of an earlier life of the dispatcher.
  static std::shared_ptr<LiveTurn> Create(identity::Principal principal, v1::Submitted submitted,
                                          int64_t epoch, int32_t earlier_starts, Timing timing);

  const v1::Submitted& submitted() const { return submitted_; }
  const identity::Principal& principal() const { return principal_; }
  // "sessions/{session}/turns/{turn}".
  const std::string& name() const { return name_; }
  absl::Time deadline() const { return deadline_; }
  // 1, and 1 more for each time it was started again.
  int32_t run() const { return run_; }
  EventLog& log() { return *log_; }
  const std::shared_ptr<EventLog>& shared_log() const { return log_; }

  // Stops the turn, once, and says why; false when it was stopped before.
  bool Stop(StopReason reason);
  StopReason stop_reason() const;
  std::stop_token stop_token() const { return stop_.get_token(); }

  // Nobody watching for turn.disconnect_grace cancels it.
  bool StopsWhenUnwatched() const;

  // Starts the clock of the deadline and of the disconnect rule. `watched`: somebody is about to
  // attach, so the disconnect rule waits for that.
  void Arm(bool watched);

  // The turn heads its session now.
  void BecomeHead() { heads_.Set(true); }
  // True when the turn heads its session; false when it was stopped first.
  Awaitable<bool> HeadsSession() { return heads_.Wait(); }

  // True when somebody watches the turn; false when it was stopped first. For a turn that waits for
  // its caller to come back.
  Awaitable<bool> Watched() { return watched_.Wait(); }

  void RequestCancel(bool discard_output);
  bool discard_output() const;
  bool cancel_requested() const;

  // Where it stands in the pool's line; null while it is not in it.
  void SetWaiting(std::shared_ptr<WaitingTurn> waiting);
  std::shared_ptr<WaitingTurn> waiting() const;

  // Started tells the world; only the first call of a run changes anything, and answers true.
  bool MarkStarted(absl::string_view model, std::vector<std::string> memories, bool degraded);
  void MarkFirstOutput();

  // True when position or estimate differ from those of the last call.
  bool PlaceChanged(const chat::v1::Queue& place);

  bool queued() const;

  // As GetTurn answers it; the queue is the caller's to add.
  chat::v1::Turn Snapshot() const;

 private:
  LiveTurn(identity::Principal principal, v1::Submitted submitted, int32_t run, Timing timing);

  void OnReaders();
  void StartGrace();

  const identity::Principal principal_;
  const v1::Submitted submitted_;
  const std::string name_;
  const absl::Time deadline_;
  const int32_t run_;
  const Timing timing_;
  std::shared_ptr<EventLog> log_;
  std::stop_source stop_;
  OneShot<bool> heads_;
  OneShot<bool> watched_;

  mutable Mutex mutex_;
  StopReason stop_reason_ ABSL_GUARDED_BY(mutex_) = StopReason::kNone;
  bool cancel_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool discard_output_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<WaitingTurn> waiting_ ABSL_GUARDED_BY(mutex_);
  // Position and whole seconds of the last place that was told.
  std::pair<int64_t, int64_t> told_place_ ABSL_GUARDED_BY(mutex_) = {0, 0};
  std::string model_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> memories_ ABSL_GUARDED_BY(mutex_);
  bool recall_degraded_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Time> start_time_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Time> first_output_time_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> deadline_timer_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> grace_timer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
