#include "services/dispatcher/turn/live_turn.h"

#include <algorithm>
#include <utility>

#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"

namespace penstock::dispatcher {

std::shared_ptr<LiveTurn> LiveTurn::Create(identity::Principal principal, v1::Submitted submitted,
                                           int64_t epoch, std::optional<int32_t> earlier_starts,
                                           Timing timing) {
  std::shared_ptr<LiveTurn> turn(
      new LiveTurn(std::move(principal), std::move(submitted), earlier_starts, timing));
  turn->log_ = EventLog::Create(
      epoch, turn->run_, timing.clock.Now(),
      [weak = turn->weak_from_this()] {
        if (const auto self = weak.lock()) self->OnReaders();
      },
      /*continued=*/earlier_starts.has_value());
  return turn;
}

LiveTurn::LiveTurn(identity::Principal principal, v1::Submitted submitted,
                   std::optional<int32_t> earlier_starts, Timing timing)
    : principal_(std::move(principal)),
      submitted_(std::move(submitted)),
      name_(TurnName(submitted_.session_id(), submitted_.turn_id())),
      deadline_(FromProto(submitted_.deadline())),
      run_(earlier_starts.value_or(0) + 1),
      timing_(timing),
      stands_clear_(!earlier_starts.has_value()) {}

bool LiveTurn::Stop(StopReason reason) {
  {
    MutexLock lock(mutex_);
    // Who runs the turn no longer has nothing to end it by, whatever stopped it before.
    const bool over = reason == StopReason::kOwnerMoved;
    if (stop_reason_ != StopReason::kNone && !over) return false;
    stop_reason_ = reason;
    if (answered_ != nullptr && !claimed_) answered_->Set(false);
  }
  const bool started_before = run_ > 1;
  if (!started_before || reason == StopReason::kOwnerMoved) heads_.Set(false);
  watched_.Set(false);
  stop_.request_stop();
  return true;
}

StopReason LiveTurn::stop_reason() const {
  MutexLock lock(mutex_);
  return stop_reason_;
}

void LiveTurn::Arm(bool watched, bool may_await_tools) {
  auto timer = timing_.timers.After(deadline_ - timing_.clock.Now(), [weak = weak_from_this()] {
    if (PENSTOCK_PLANTED_BUG("planted.deadline_forgotten")) return;
    if (const auto self = weak.lock()) self->Stop(StopReason::kDeadline);
  });
  {
    MutexLock lock(mutex_);
    deadline_timer_ = std::move(timer);
    resting_ = may_await_tools;
  }
  if (!watched && StopsWhenUnwatched()) StartGrace();
}

bool LiveTurn::StopsWhenUnwatched() const {
  return !submitted_.job() && submitted_.spec().on_disconnect() != chat::v1::CONTINUE;
}

void LiveTurn::OnReaders() {
  const bool any = log_->readers() > 0;
  if (any) watched_.Set(true);
  if (!StopsWhenUnwatched()) return;
  if (!any) return StartGrace();
  std::unique_ptr<Timer> watched_again;
  MutexLock lock(mutex_);
  watched_again = std::move(grace_timer_);
}

void LiveTurn::StartGrace() {
  if (Resting()) return;
  auto timer = timing_.timers.After(timing_.disconnect_grace, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->log_->readers() == 0 && !self->Resting()) self->Stop(StopReason::kUnwatched);
  });
  std::unique_ptr<Timer> earlier;
  MutexLock lock(mutex_);
  earlier = std::exchange(grace_timer_, std::move(timer));
}

void LiveTurn::RequestCancel(bool discard_output) {
  {
    MutexLock lock(mutex_);
    cancel_requested_ = true;
    discard_output_ = discard_output_ || discard_output;
  }
  Stop(StopReason::kCancelled);
}

bool LiveTurn::discard_output() const {
  MutexLock lock(mutex_);
  return discard_output_;
}

bool LiveTurn::cancel_requested() const {
  MutexLock lock(mutex_);
  return cancel_requested_;
}

void LiveTurn::Hold(Depth::Place place, HeldBytes::Part bytes) {
  MutexLock lock(mutex_);
  place_ = std::move(place);
  bytes_ = std::move(bytes);
}

void LiveTurn::SetWaiting(std::shared_ptr<WaitingTurn> waiting) {
  MutexLock lock(mutex_);
  std::swap(waiting_, waiting);  // the old one is dropped after the lock
}

std::shared_ptr<WaitingTurn> LiveTurn::waiting() const {
  MutexLock lock(mutex_);
  return waiting_;
}

void LiveTurn::SetLastLane(absl::string_view lane) {
  MutexLock lock(mutex_);
  last_lane_.assign(lane.data(), lane.size());
}

std::string LiveTurn::last_lane() const {
  MutexLock lock(mutex_);
  return last_lane_;
}

bool LiveTurn::MarkStarted(absl::string_view model, std::vector<std::string> memories,
                           bool degraded) {
  const absl::Time now = timing_.clock.Now();
  Depth::Place left;
  MutexLock lock(mutex_);
  left = std::move(place_);
  state_ = chat::v1::Turn::RUNNING;
  return beginning_.Call(model, std::move(memories), degraded, now);
}

void LiveTurn::MarkFirstOutput() {
  const absl::Time now = timing_.clock.Now();
  MutexLock lock(mutex_);
  beginning_.Output(now);
}

bool LiveTurn::TellPlace(const chat::v1::Queue& place) {
  MutexLock lock(mutex_);
  return told_place_.Tell(place);
}

std::optional<Eta> LiveTurn::first_eta() const {
  MutexLock lock(mutex_);
  return told_place_.first();
}

bool LiveTurn::queued() const {
  MutexLock lock(mutex_);
  return state_ == chat::v1::Turn::QUEUED;
}

chat::v1::Turn LiveTurn::Snapshot() const {
  chat::v1::Turn turn;
  turn.set_name(name_);
  turn.set_sequence(submitted_.sequence());
  *turn.mutable_input() = submitted_.spec().input();
  turn.set_agent(submitted_.agent());
  turn.set_run(run_);
  turn.set_request_id(submitted_.request_id());
  *turn.mutable_labels() = submitted_.spec().labels();
  *turn.mutable_create_time() = submitted_.create_time();
  *turn.mutable_deadline() = submitted_.deadline();
  MutexLock lock(mutex_);
  turn.set_state(state_);
  steps_.AddTo(turn);
  if (state_ == chat::v1::Turn::AWAITING_TOOLS) {
    for (auto& call : steps_.OpenCalls()) *turn.add_pending_tool_calls() = std::move(call);
  }
  turn.set_cancel_requested(cancel_requested_);
  beginning_.AddTo(turn);
  return turn;
}

}  // namespace penstock::dispatcher
