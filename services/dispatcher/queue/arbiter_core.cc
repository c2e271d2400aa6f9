#include "services/dispatcher/queue/arbiter_core.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libs/base/failpoint.h"

namespace penstock::dispatcher {
namespace {

constexpr size_t kMinWindow = 64;

WaitingEntry EntryOf(EntryId id, const TurnInLine& turn) {
  return {.id = id,
          .turn_class = turn.turn_class,
          .tenant = turn.tenant,
          .user = turn.user,
          .seq = turn.seq,
          .estimated_tokens = turn.estimated_tokens};
}

absl::Status Stopped() { return absl::CancelledError("stopped while waiting in line"); }

}  // namespace

ArbiterCore::Wakes::~Wakes() {
  for (auto& wait : windows) wait->Set(absl::OkStatus());
  for (auto& [wait, permit] : permits) wait->Set(std::move(permit));
}

ArbiterCore::ArbiterCore(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneLimiter> limiter,
                         const Clock& clock, Timers& timers)
    : clock_(clock),
      timers_(timers),
      scheduler_(std::move(scheduler)),
      limiter_(std::move(limiter)) {}

std::shared_ptr<TurnState> ArbiterCore::Enter(TurnInLine turn) {
  auto state = std::make_shared<TurnState>();
  state->turn = std::move(turn);
  Wakes wakes;
  MutexLock lock(mutex_);
  state->id = next_entry_++;
  turns_.emplace(state->id, state);
  eta_.OnEnter(state->turn.turn_class, clock_.Monotonic());
  JoinLine(*state);
  NameWindow(wakes);
  return state;
}

void ArbiterCore::Leave(TurnState& turn) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  turn.left = true;
  if (turn.phase == TurnState::Phase::kStarted) return;
  if (PENSTOCK_PLANTED_BUG("planted.place_kept")) return;
  LeaveLine(turn);
  dropped = Forget(turn);
  Pump(wakes);
}

void ArbiterCore::SetClass(TurnState& turn, chat::v1::TurnClass turn_class) {
  Wakes wakes;
  MutexLock lock(mutex_);
  if (turn.turn.turn_class == turn_class) return;
  turn.turn.turn_class = turn_class;
  scheduler_->SetClass(turn.id, turn_class);
  Pump(wakes);
}

std::shared_ptr<WindowWait> ArbiterCore::AskWindow(TurnState& turn) {
  MutexLock lock(mutex_);
  if (turn.in_window) return nullptr;
  turn.window_wait = std::make_shared<WindowWait>();
  return turn.window_wait;
}

void ArbiterCore::StopWindow(TurnState& turn) {
  std::shared_ptr<WindowWait> wait;
  {
    MutexLock lock(mutex_);
    wait = std::exchange(turn.window_wait, nullptr);
  }
  if (wait) wait->Set(Stopped());
}

absl::StatusOr<ArbiterCore::Asked> ArbiterCore::AskPermit(TurnState& turn, CallSize size) {
  Wakes wakes;
  MutexLock lock(mutex_);
  if (turn.phase == TurnState::Phase::kStarted) {
    return absl::FailedPreconditionError("the turn holds a permit already");
  }
  if (turn.phase == TurnState::Phase::kOut) JoinLine(turn);
  turn.size = size;
  turn.phase = TurnState::Phase::kAsking;
  scheduler_->MarkReady(turn.id, size.input_tokens, size.output_tokens);
  Pump(wakes);
  if (turn.phase == TurnState::Phase::kStarted)
    return Asked{.permit = turn.permit, .wait = nullptr};
  turn.permit_wait = std::make_shared<PermitWait>();
  return Asked{.permit = 0, .wait = turn.permit_wait};
}

void ArbiterCore::StopPermit(TurnState& turn) {
  std::shared_ptr<PermitWait> wait;
  {
    Wakes wakes;
    MutexLock lock(mutex_);
    wait = std::exchange(turn.permit_wait, nullptr);
    if (!wait) return;
    LeaveLine(turn);
    Pump(wakes);
  }
  wait->Set(Stopped());
}

void ArbiterCore::Answered(PermitId permit, const provider::v1::RateLimits& said) {
  MutexLock lock(mutex_);
  limiter_->Answered(permit, said, clock_.Monotonic());
}

void ArbiterCore::FirstOutput(PermitId permit) {
  Wakes wakes;
  MutexLock lock(mutex_);
  const int64_t before = limiter_->concurrency();
  limiter_->FirstOutput(permit, clock_.Monotonic());
  if (limiter_->concurrency() > before) Pump(wakes);
}

void ArbiterCore::Overloaded(PermitId permit) {
  MutexLock lock(mutex_);
  limiter_->Overloaded(permit, clock_.Monotonic());
}

void ArbiterCore::Settle(TurnState& turn, PermitId permit, const chat::v1::Usage& actual) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  limiter_->Settle(permit, actual, now);
  eta_.OnEnd(now - turn.started);
  scheduler_->Settle(turn.id, actual, now);
  turn.phase = TurnState::Phase::kOut;
  if (turn.left) dropped = Forget(turn);
  Pump(wakes);
}

void ArbiterCore::GiveBack(TurnState& turn, PermitId permit) {
  Wakes wakes;
  std::shared_ptr<TurnState> dropped;
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  limiter_->GiveBack(permit, now);
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
  limiter_->Refused(permit, retry_after, said, now);
  dropped = BackInLine(turn, now);
  Pump(wakes);
}

absl::Status ArbiterCore::CheckPossible(const CallSize& size) const {
  MutexLock lock(mutex_);
  return limiter_->CheckPossible(size);
}

std::shared_ptr<TurnState> ArbiterCore::BackInLine(TurnState& turn, absl::Duration now) {
  if (turn.left) {
    LeaveLine(turn);
    return Forget(turn);
  }
  scheduler_->Requeue(turn.id, now);
  scheduler_->SetClass(turn.id, turn.turn.turn_class);
  turn.phase = TurnState::Phase::kInLine;
  return nullptr;
}

std::shared_ptr<TurnState> ArbiterCore::Forget(const TurnState& turn) {
  const auto known = turns_.find(turn.id);
  std::shared_ptr<TurnState> forgotten = std::move(known->second);
  turns_.erase(known);
  return forgotten;
}

PlaceInLine ArbiterCore::Place(const TurnState& turn) const {
  MutexLock lock(mutex_);
  return PlaceAt(turn.turn.turn_class, scheduler_->Position(turn.id));
}

PlaceInLine ArbiterCore::PlaceOfNext(const TurnInLine& turn) const {
  MutexLock lock(mutex_);
  return PlaceAt(turn.turn_class, scheduler_->PositionOfNext(EntryOf(/*id=*/0, turn)));
}

Eta ArbiterCore::Serial(int64_t calls) const {
  MutexLock lock(mutex_);
  return eta_.Serial(calls);
}

PoolLoad ArbiterCore::Load() const {
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  return {.waiting = static_cast<int64_t>(scheduler_->waiting()),
          .ready = static_cast<int64_t>(scheduler_->ready()),
          .in_flight = limiter_->in_flight(),
          .concurrency = limiter_->concurrency(),
          .starts_per_second = eta_.StartsPerSecond(limiter_->concurrency(), now),
          .rate_factor = limiter_->rate_factor(),
          .pause_left = limiter_->PauseLeft(now)};
}

void ArbiterCore::JoinLine(TurnState& turn) {
  scheduler_->Enqueue(EntryOf(turn.id, turn.turn), clock_.Monotonic());
  turn.phase = TurnState::Phase::kInLine;
}

void ArbiterCore::LeaveLine(TurnState& turn) {
  scheduler_->Withdraw(turn.id);
  turn.phase = TurnState::Phase::kOut;
}

void ArbiterCore::Pump(Wakes& wakes) {
  GivePermits(wakes);
  NameWindow(wakes);
}

void ArbiterCore::GivePermits(Wakes& wakes) {
  const absl::Duration now = clock_.Monotonic();
  retry_.reset();
  while (const auto id = scheduler_->Pick(now)) {
    const std::shared_ptr<TurnState>& turn = turns_.find(*id)->second;
    const bool again = turn->permit != 0 && PENSTOCK_PLANTED_BUG("planted.permit_twice");
    const absl::Duration wait =
        again ? absl::ZeroDuration() : limiter_->Reserve(next_permit_, turn->size, now);
    if (wait > absl::ZeroDuration()) return PumpAfter(wait);
    scheduler_->Start(*id, now);
    eta_.OnStart(scheduler_->ready() > 0, now);
    turn->phase = TurnState::Phase::kStarted;
    turn->started = now;
    turn->permit = next_permit_++;
    if (turn->permit_wait) {
      wakes.permits.emplace_back(std::exchange(turn->permit_wait, nullptr),
                                 Permit(shared_from_this(), turn, turn->permit));
    }
  }
  if (scheduler_->ready() > 0) PumpAfter(scheduler_->TimeToPick(now));
}

void ArbiterCore::NameWindow(Wakes& wakes) {
  const double rate = eta_.StartsPerSecond(limiter_->concurrency(), clock_.Monotonic());
  const size_t permits = static_cast<size_t>(std::min(std::ceil(rate), 1e6));
  for (const EntryId id : scheduler_->Window(std::max(kMinWindow, permits))) {
    TurnState& turn = *turns_.find(id)->second;
    turn.in_window = true;
    if (turn.window_wait) wakes.windows.push_back(std::exchange(turn.window_wait, nullptr));
  }
}

void ArbiterCore::PumpAfter(absl::Duration wait) {
  if (wait == absl::InfiniteDuration()) return;
  retry_ = timers_.After(wait, [weak = weak_from_this()] {
    const std::shared_ptr<ArbiterCore> core = weak.lock();
    if (!core) return;
    Wakes wakes;
    MutexLock lock(core->mutex_);
    core->Pump(wakes);
  });
}

PlaceInLine ArbiterCore::PlaceAt(chat::v1::TurnClass turn_class, int64_t position) const {
  if (position == 0) return {.turn_class = turn_class, .position = 0, .eta = {}};
  const absl::Duration now = clock_.Monotonic();
  Eta eta =
      eta_.Estimate(turn_class, position, limiter_->in_flight(), limiter_->concurrency(), now);
  const absl::Duration pause = limiter_->PauseLeft(now);
  eta.p50 += pause;
  eta.p90 += pause;
  return {.turn_class = turn_class, .position = position, .eta = eta};
}

}  // namespace penstock::dispatcher
