// What the arbiter hears of a call, and how its permit ends.
#include <utility>

#include "services/dispatcher/queue/arbiter_core.h"

namespace penstock::dispatcher {

void ArbiterCore::Answered(const TurnState& turn, PermitId permit,
                           const provider::v1::RateLimits& said) {
  MutexLock lock(mutex_);
  lanes_->Answered(turn.lane, permit, said, clock_.Monotonic());
}

void ArbiterCore::FirstOutput(const TurnState& turn, PermitId permit) {
  Wakes wakes;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  if (lanes_->FirstOutput(turn.lane, permit, now - turn.started, now)) Pump(wakes);
}

bool ArbiterCore::TakeRetry(const TurnState& turn) {
  MutexLock lock(mutex_);
  return lanes_->TakeRetry(turn.lane, clock_.Monotonic());
}

void ArbiterCore::Settle(TurnState& turn, PermitId permit, const chat::v1::Usage& actual) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  lanes_->Settle(turn.lane, permit, actual, now);
  dropped = End(turn, actual, now);
  Pump(wakes);
}

void ArbiterCore::Failed(TurnState& turn, PermitId permit, chat::v1::ErrorKind kind,
                         const chat::v1::Usage& actual) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  lanes_->Failed(turn.lane, permit, kind, actual, now);
  turn.call.failed = turn.lane;
  dropped = End(turn, actual, now);
  Pump(wakes);
}

void ArbiterCore::Stopped(TurnState& turn, PermitId permit) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  lanes_->Stopped(turn.lane, permit, now);
  dropped = End(turn, {}, now);
  Pump(wakes);
}

void ArbiterCore::GiveBack(TurnState& turn, PermitId permit) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  lanes_->GiveBack(turn.lane, permit, now);
  dropped = BackInLine(turn, now);
  Pump(wakes);
}

void ArbiterCore::NotTaken(TurnState& turn, PermitId permit) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  adapters_.OnNotTaken(permit, now);
  lanes_->GiveBack(turn.lane, permit, now);
  dropped = BackInLine(turn, now);
  Pump(wakes);
}

void ArbiterCore::NotSent(TurnState& turn, PermitId permit, chat::v1::ErrorKind kind) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  lanes_->NotSent(turn.lane, permit, kind, now);
  adapters_.OnEnd(now);
  turn.call.failed = turn.lane;
  dropped = BackInLine(turn, now);
  Pump(wakes);
}

void ArbiterCore::Refused(TurnState& turn, PermitId permit,
                          std::optional<absl::Duration> retry_after,
                          const provider::v1::RateLimits& said) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  lanes_->Refused(turn.lane, permit, retry_after, said, now);
  adapters_.OnEnd(now);
  dropped = BackInLine(turn, now);
  Pump(wakes);
}

std::shared_ptr<TurnState> ArbiterCore::End(TurnState& turn, const chat::v1::Usage& actual,
                                            absl::Duration now) {
  eta_.OnEnd(now - turn.started);
  adapters_.OnEnd(now);
  scheduler_->Settle(turn.id, actual, now);
  scheduler_->SetCallRate(lanes_->calls_per_second(now));
  loads_.Leave(turn.stay);
  turn.phase = TurnState::Phase::kOut;
  return turn.left ? Forget(turn) : nullptr;
}

std::shared_ptr<TurnState> ArbiterCore::BackInLine(TurnState& turn, absl::Duration now) {
  if (turn.left) {
    LeaveLine(turn);
    return Forget(turn);
  }
  scheduler_->Requeue(turn.id, now);
  scheduler_->SetClass(turn.id, turn.turn.turn_class);
  loads_.Return(turn.stay, turn.turn.turn_class);
  turn.phase = TurnState::Phase::kInLine;
  return nullptr;
}

std::shared_ptr<TurnState> ArbiterCore::Forget(const TurnState& turn) {
  const auto known = turns_.find(turn.id);
  std::shared_ptr<TurnState> forgotten = std::move(known->second);
  turns_.erase(known);
  return forgotten;
}

}  // namespace penstock::dispatcher
