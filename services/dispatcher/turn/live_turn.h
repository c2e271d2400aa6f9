// One accepted turn that has not ended: what was asked, how far it is, and how it is stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "libs/async/one_shot.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/identity/principal.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/journal.pb.h"
#include "services/dispatcher/admission/depth.h"
#include "services/dispatcher/admission/held_bytes.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/turn/beginning.h"
#include "services/dispatcher/turn/event_log.h"
#include "services/dispatcher/turn/known.h"
#include "services/dispatcher/turn/steps.h"
#include "services/dispatcher/turn/stop_reason.h"
#include "services/dispatcher/turn/told_place.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Thread-safe. Always held by a shared_ptr.
class LiveTurn : public std::enable_shared_from_this<LiveTurn> {
 public:
  struct Timing {
    absl::Duration disconnect_grace;
    Clock& clock;
    Timers& timers;
  };

  // `earlier_starts`: taken up from the journal, started so often before; none: it is new.
  static std::shared_ptr<LiveTurn> Create(identity::Principal principal, v1::Submitted submitted,
                                          int64_t epoch, std::optional<int32_t> earlier_starts,
                                          Timing timing);

  const v1::Submitted& submitted() const { return submitted_; }
  const identity::Principal& principal() const { return principal_; }
  // "sessions/{session}/turns/{turn}".
  const std::string& name() const { return name_; }
  absl::Time deadline() const { return deadline_; }
  // 1, and 1 more for each time it was started again.
  int32_t run() const { return run_; }
  EventLog& log() { return *log_; }
  const std::shared_ptr<EventLog>& shared_log() const { return log_; }

  // Stops the turn, once, and says why; false when it was stopped before, unless kOwnerMoved comes
  // on top of another reason. Results that are being journaled at that moment still count.
  bool Stop(StopReason reason);
  StopReason stop_reason() const;
  std::stop_token stop_token() const { return stop_.get_token(); }

  // Nobody watching for turn.disconnect_grace cancels it, unless the rule rests.
  bool StopsWhenUnwatched() const;

  // Starts the clock of the deadline and of the disconnect rule. `watched`: somebody is about to
  // attach, so the disconnect rule waits for that. `may_await_tools`: whether it waits for tools is
  // not known yet, so the rule rests until it is.
  void Arm(bool watched, bool may_await_tools = false);

  // The turn heads its session now.
  void BecomeHead() { heads_.Set(true); }
  // True when the turn heads its session; false when it was stopped first. One that was started by
  // an earlier life headed it then and will again, so it waits for that even if it was stopped: its
  // steps are not to be lost.
  Awaitable<bool> HeadsSession() { return heads_.Wait(); }

  // True when its caller has come back and watches it; false when it was stopped first.
  Awaitable<bool> Watched() { return watched_.Wait(); }

  void RequestCancel(bool discard_output);
  bool discard_output() const;
  bool cancel_requested() const;

  // Its part of the pool's depth, until its first start in this life; what it brought, to its end.
  void Hold(Depth::Place place, HeldBytes::Part bytes);
  // Where it stands in the pool's line; null while it is not in it.
  void SetWaiting(std::shared_ptr<WaitingTurn> waiting);
  std::shared_ptr<WaitingTurn> waiting() const;
  // Of its last call, or of its session's.
  void SetLastLane(absl::string_view lane);
  std::string last_lane() const;

  // What it has done so far. A copy.
  Steps steps() const;
  // Which Generate is under way, or next.
  int32_t step() const;
  void Spend(const chat::v1::Usage& usage, std::optional<int64_t> cost_nano_usd);
  void AddStep(chat::v1::Step step);
  // What an earlier life left of it.
  void Restore(Steps steps);
  // Whether it waits for tools is known from now on.
  void StandsClear();
  Known& stands_clear() { return stands_clear_; }

  // The open calls wait for their results until `expire`: nobody needs to watch meanwhile.
  void AwaitTools(absl::Time expire);
  // True when they have come, false when the turn was stopped first.
  Awaitable<bool> ToolsAnswered();
  // Takes the results' place until they are journaled; answers the step they belong to, or
  // TURN_NOT_AWAITING_TOOLS, TOOL_CALL_MISMATCH, TOO_LARGE.
  absl::StatusOr<int32_t> ClaimToolResults(const Steps::Results& results, int64_t max_bytes);
  // They are not journaled: the calls stay open.
  void DropClaim();
  // They are: the turn goes on, and the grace of the disconnect rule starts anew.
  void TakeToolResults(v1::ToolResults results);

  // It has a permit. The first call of a run says with what it starts, and answers true; so does
  // one of another model than the last.
  bool MarkStarted(absl::string_view model, std::vector<std::string> memories, bool degraded);
  void MarkFirstOutput();
  // Its caller is told this: see ToldPlace.
  bool TellPlace(const chat::v1::Queue& place);
  std::optional<Eta> first_eta() const;
  bool queued() const;
  // As GetTurn answers it; the queue is the caller's to add.
  chat::v1::Turn Snapshot() const;

 private:
  LiveTurn(identity::Principal principal, v1::Submitted submitted,
           std::optional<int32_t> earlier_starts, Timing timing);

  void OnReaders();
  void StartGrace();
  bool Resting() const;
  void Rest();
  void EndRest();
  // Of the `wait`th time that it awaits tools.
  void StartToolTimer(int64_t wait, absl::Duration left);
  void OnToolTimeout(int64_t wait);

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
  Known stands_clear_;

  mutable Mutex mutex_;
  StopReason stop_reason_ ABSL_GUARDED_BY(mutex_) = StopReason::kNone;
  bool cancel_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool discard_output_ ABSL_GUARDED_BY(mutex_) = false;
  // QUEUED, RUNNING or AWAITING_TOOLS.
  chat::v1::Turn::State state_ ABSL_GUARDED_BY(mutex_) = chat::v1::Turn::QUEUED;
  Steps steps_ ABSL_GUARDED_BY(mutex_);
  // Set while it awaits tools.
  std::shared_ptr<OneShot<bool>> answered_ ABSL_GUARDED_BY(mutex_);
  bool claimed_ ABSL_GUARDED_BY(mutex_) = false;
  // The time was up while they were being journaled.
  bool tools_late_ ABSL_GUARDED_BY(mutex_) = false;
  // The disconnect rule rests.
  bool resting_ ABSL_GUARDED_BY(mutex_) = false;
  Depth::Place place_ ABSL_GUARDED_BY(mutex_);
  HeldBytes::Part bytes_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<WaitingTurn> waiting_ ABSL_GUARDED_BY(mutex_);
  ToldPlace told_place_ ABSL_GUARDED_BY(mutex_);
  std::string last_lane_ ABSL_GUARDED_BY(mutex_);
  Beginning beginning_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> deadline_timer_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> grace_timer_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> tools_timer_ ABSL_GUARDED_BY(mutex_);
  int64_t tool_waits_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace penstock::dispatcher
