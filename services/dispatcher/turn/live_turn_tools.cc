// A turn's steps, and how it waits for its caller's tools.
#include <utility>

#include "libs/base/refusal.h"
#include "services/dispatcher/turn/live_turn.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {

using chat::v1::Turn;

Steps LiveTurn::steps() const {
  MutexLock lock(mutex_);
  return steps_;
}

int32_t LiveTurn::step() const {
  MutexLock lock(mutex_);
  return steps_.current();
}

void LiveTurn::Spend(const chat::v1::Usage& usage, std::optional<int64_t> cost_nano_usd) {
  MutexLock lock(mutex_);
  steps_.Spend(usage, cost_nano_usd);
}

void LiveTurn::AddStep(chat::v1::Step step) {
  MutexLock lock(mutex_);
  steps_.Add(std::move(step));
}

void LiveTurn::Restore(Steps steps) {
  MutexLock lock(mutex_);
  if (!steps.finished().empty()) beginning_.Resume(steps.finished().back().model());
  steps_ = std::move(steps);
}

void LiveTurn::StandsClear() {
  if (stands_clear_.Set()) EndRest();
}

void LiveTurn::AwaitTools(absl::Time expire) {
  int64_t wait = 0;
  Depth::Place left;
  {
    MutexLock lock(mutex_);
    left = std::move(place_);
    state_ = Turn::AWAITING_TOOLS;
    tools_late_ = false;
    answered_ = std::make_shared<OneShot<bool>>();
    if (stop_reason_ != StopReason::kNone) answered_->Set(false);
    wait = ++tool_waits_;
  }
  // At the deadline the turn is stopped for that.
  if (expire < deadline_) StartToolTimer(wait, expire - timing_.clock.Now());
  Rest();
}

void LiveTurn::StartToolTimer(int64_t wait, absl::Duration left) {
  // May fire before After has returned.
  std::unique_ptr<Timer> timer = timing_.timers.After(left, [weak = weak_from_this(), wait] {
    if (const auto self = weak.lock()) self->OnToolTimeout(wait);
  });
  MutexLock lock(mutex_);
  if (wait == tool_waits_ && state_ == Turn::AWAITING_TOOLS) timer.swap(tools_timer_);
}

void LiveTurn::OnToolTimeout(int64_t wait) {
  {
    MutexLock lock(mutex_);
    if (wait != tool_waits_ || state_ != Turn::AWAITING_TOOLS) return;
    tools_late_ = true;
    if (claimed_) return;
  }
  Stop(StopReason::kToolTimeout);
}

Awaitable<bool> LiveTurn::ToolsAnswered() {
  std::shared_ptr<OneShot<bool>> answered;
  {
    MutexLock lock(mutex_);
    answered = answered_;
  }
  co_return co_await answered->Wait();
}

absl::StatusOr<int32_t> LiveTurn::ClaimToolResults(const Steps::Results& results,
                                                   int64_t max_bytes) {
  MutexLock lock(mutex_);
  if (state_ != Turn::AWAITING_TOOLS || claimed_ || stop_reason_ != StopReason::kNone) {
    return NotAwaitingTools(name_, claimed_ ? Turn::QUEUED : state_);
  }
  if (const absl::Status matches = steps_.Check(results); !matches.ok()) return matches;
  int64_t bytes = steps_.result_bytes();
  for (const auto& result : results) bytes += static_cast<int64_t>(result.content().size());
  if (bytes > max_bytes) {
    return TooLarge("results", absl::StrCat(bytes, " bytes of all results of the turn"),
                    absl::StrCat("at most ", max_bytes, " bytes"));
  }
  claimed_ = true;
  return steps_.current() - 1;
}

void LiveTurn::DropClaim() {
  bool late = false;
  {
    MutexLock lock(mutex_);
    claimed_ = false;
    if (stop_reason_ != StopReason::kNone) answered_->Set(false);
    late = tools_late_;
  }
  if (late) Stop(StopReason::kToolTimeout);
}

void LiveTurn::TakeToolResults(v1::ToolResults results) {
  std::unique_ptr<Timer> in_time;
  std::shared_ptr<OneShot<bool>> answered;
  bool stopped = false;
  {
    MutexLock lock(mutex_);
    claimed_ = false;
    steps_.Answer(std::move(results));
    state_ = Turn::QUEUED;
    in_time = std::move(tools_timer_);
    answered = std::exchange(answered_, nullptr);
    stopped = stop_reason_ != StopReason::kNone;
  }
  EndRest();
  answered->Set(!stopped);
}

bool LiveTurn::Resting() const {
  MutexLock lock(mutex_);
  return resting_;
}

void LiveTurn::Rest() {
  std::unique_ptr<Timer> grace;
  MutexLock lock(mutex_);
  resting_ = true;
  grace = std::move(grace_timer_);
}

void LiveTurn::EndRest() {
  {
    MutexLock lock(mutex_);
    if (state_ == Turn::AWAITING_TOOLS) return;
    resting_ = false;
  }
  if (StopsWhenUnwatched() && log_->readers() == 0) StartGrace();
}

}  // namespace penstock::dispatcher
