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

std::vector<std::string> NamesOf(const LaneSet& lanes) {
  std::vector<std::string> names;
  for (int lane = 0; lane < lanes.size(); ++lane) names.push_back(lanes.name(lane));
  return names;
}

absl::Status WaitStopped() { return absl::CancelledError("stopped while waiting in line"); }

}  // namespace

ArbiterCore::Wakes::~Wakes() {
  for (auto& wait : windows) wait->Set(absl::OkStatus());
  for (auto& [wait, permit] : permits) wait->Set(std::move(permit));
}

ArbiterCore::ArbiterCore(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneSet> lanes,
                         const Clock& clock, Timers& timers)
    : clock_(clock),
      timers_(timers),
      lane_names_(NamesOf(*lanes)),
      scheduler_(std::move(scheduler)),
      lanes_(std::move(lanes)) {}

std::shared_ptr<TurnState> ArbiterCore::Enter(TurnInLine turn) {
  auto state = std::make_shared<TurnState>();
  state->turn = std::move(turn);
  Wakes wakes;
  MutexLock lock(mutex_);
  state->id = next_entry_++;
  if (!state->turn.last_lane.empty()) state->lane = lanes_->Find(state->turn.last_lane);
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
  loads_.SetClass(turn.stay, turn_class);
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
  if (wait) wait->Set(WaitStopped());
}

absl::StatusOr<ArbiterCore::Asked> ArbiterCore::AskPermit(TurnState& turn, CallSize size,
                                                          absl::Duration patience) {
  Wakes wakes;
  MutexLock lock(mutex_);
  if (turn.phase == TurnState::Phase::kStarted) {
    return absl::FailedPreconditionError("the turn holds a permit already");
  }
  if (turn.phase == TurnState::Phase::kOut) JoinLine(turn);
  turn.call.size = size;
  turn.call.lanes = lanes_->LanesFor(size);
  turn.call.last = turn.lane == turn.call.failed ? LaneSet::kNone : turn.lane;
  turn.patient_until = clock_.Monotonic() + patience;
  turn.phase = TurnState::Phase::kAsking;
  scheduler_->MarkReady(turn.id, size.input_tokens, size.output_tokens);
  loads_.MarkReady(turn.stay);
  Pump(wakes);
  if (turn.phase == TurnState::Phase::kStarted) {
    return Asked{.permit = turn.permit, .lane = lane_names_[static_cast<size_t>(turn.lane)]};
  }
  if (auto away = SentAway(turn, clock_.Monotonic())) {
    LeaveLine(turn);
    Pump(wakes);
    return *std::move(away);
  }
  const auto wait = std::make_shared<PermitWait>();
  turn.permit_wait = wait;
  suspended_.insert(&turn);
  // So that its patience is timed.
  if (lanes_->troubled()) Pump(wakes);
  return Asked{.permit = 0, .wait = wait};
}

void ArbiterCore::StopPermit(TurnState& turn) {
  std::shared_ptr<PermitWait> wait;
  {
    Wakes wakes;
    MutexLock lock(mutex_);
    wait = std::exchange(turn.permit_wait, nullptr);
    if (!wait) return;
    suspended_.erase(&turn);
    LeaveLine(turn);
    Pump(wakes);
  }
  wait->Set(WaitStopped());
}

absl::Status ArbiterCore::CheckPossible(const CallSize& size) const {
  MutexLock lock(mutex_);
  return lanes_->CheckPossible(size);
}

PlaceInLine ArbiterCore::Place(const TurnState& turn) const {
  MutexLock lock(mutex_);
  PlaceInLine place = PlaceAt(turn.turn.turn_class, scheduler_->Position(turn.id));
  const auto outage = lanes_->OutageOf(turn.call.lanes, clock_.Monotonic());
  if (place.position > 0 && outage && outage->wait < absl::InfiniteDuration()) {
    place.eta.p50 += outage->wait;
    place.eta.p90 += outage->wait;
  }
  return place;
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
          .in_flight = lanes_->in_flight(),
          .concurrency = lanes_->concurrency(now),
          .starts_per_second = eta_.StartsPerSecond(lanes_->concurrency(now), now),
          .rate_factor = lanes_->rate_factor(),
          .pause_left = lanes_->PauseLeft(now),
          .adapters_full = adapters_.closed()};
}

LaneLoad ArbiterCore::Load(int lane) const {
  MutexLock lock(mutex_);
  return lanes_->Load(lane, clock_.Monotonic());
}

void ArbiterCore::SetShares(const Shares& shares) {
  Wakes wakes;
  MutexLock lock(mutex_);
  scheduler_->SetShares(shares);
  Pump(wakes);
}

void ArbiterCore::JoinLine(TurnState& turn) {
  const absl::Duration now = clock_.Monotonic();
  scheduler_->Enqueue(EntryOf(turn.id, turn.turn), now);
  loads_.Join(turn.stay, turn.turn.turn_class, now);
  turn.phase = TurnState::Phase::kInLine;
}

void ArbiterCore::LeaveLine(TurnState& turn) {
  scheduler_->Withdraw(turn.id);
  loads_.Leave(turn.stay);
  turn.phase = TurnState::Phase::kOut;
}

void ArbiterCore::Pump(Wakes& wakes) {
  retry_.reset();
  absl::Duration wait = GivePermits(wakes);
  if (lanes_->troubled()) {
    const size_t before = wakes.permits.size();
    const absl::Duration next = SendAway(wakes);
    if (wakes.permits.size() > before) wait = GivePermits(wakes);
    wait = std::min(wait, next);
  }
  PumpAfter(wait);
  NameWindow(wakes);
}

absl::Duration ArbiterCore::GivePermits(Wakes& wakes) {
  const absl::Duration now = clock_.Monotonic();
  while (const auto id = scheduler_->Pick(now)) {
    const absl::Duration closed = adapters_.Wait(now);
    if (closed > absl::ZeroDuration()) return closed;
    const std::shared_ptr<TurnState>& turn = turns_.find(*id)->second;
    const bool again = turn->permit != 0 && PENSTOCK_PLANTED_BUG("planted.permit_twice");
    const LaneSet::Choice choice = again ? LaneSet::Choice{.lane = turn->lane}
                                         : lanes_->Reserve(next_permit_, turn->call, now);
    if (choice.lane == LaneSet::kNone) return choice.wait;
    adapters_.OnPermit(next_permit_);
    scheduler_->Start(*id, now);
    loads_.Start(turn->stay, now);
    eta_.OnStart(scheduler_->ready() > 0, now);
    turn->phase = TurnState::Phase::kStarted;
    turn->started = now;
    turn->lane = choice.lane;
    turn->permit = next_permit_++;
    if (turn->permit_wait) {
      suspended_.erase(turn.get());
      wakes.permits.emplace_back(std::exchange(turn->permit_wait, nullptr),
                                 Permit(shared_from_this(), turn, turn->permit,
                                        lane_names_[static_cast<size_t>(choice.lane)]));
    }
  }
  if (scheduler_->ready() > 0) return scheduler_->TimeToPick(now);
  eta_.OnNobodyReady();
  return absl::InfiniteDuration();
}

void ArbiterCore::NameWindow(Wakes& wakes) {
  const absl::Duration now = clock_.Monotonic();
  const double rate = eta_.StartsPerSecond(lanes_->concurrency(now), now);
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
  // While a ready turn waits the limits let nobody start, whatever slots there are.
  const int64_t concurrency = lanes_->concurrency(now);
  const int64_t free =
      scheduler_->ready() > 0 ? 0 : std::max<int64_t>(concurrency - lanes_->in_flight(), 0);
  Eta eta = eta_.Estimate(turn_class, position, free, concurrency, now);
  const absl::Duration pause = lanes_->PauseLeft(now);
  eta.p50 += pause;
  eta.p90 += pause;
  return {.turn_class = turn_class, .position = position, .eta = eta};
}

}  // namespace penstock::dispatcher
