#include "services/dispatcher/queue/arbiter.h"

#include <utility>

#include "services/dispatcher/queue/arbiter_core.h"

namespace penstock::dispatcher {
namespace {

std::unique_ptr<LaneSet> OneLane(std::unique_ptr<LaneLimiter> limiter) {
  std::vector<LaneSet::Lane> lanes;
  lanes.push_back({.name = "", .limiter = std::move(limiter)});
  return std::make_unique<LaneSet>(std::move(lanes), /*seed=*/1);
}

}  // namespace

Permit::Permit(std::shared_ptr<ArbiterCore> core, std::shared_ptr<TurnState> turn, PermitId id,
               absl::string_view lane)
    : core_(std::move(core)), turn_(std::move(turn)), id_(id), lane_(lane) {}

Permit::Permit(Permit&& other) noexcept = default;

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  GiveBack();
  core_ = std::move(other.core_);
  turn_ = std::move(other.turn_);
  id_ = other.id_;
  lane_ = other.lane_;
  return *this;
}

Permit::~Permit() { GiveBack(); }

void Permit::Answered(const provider::v1::RateLimits& said) {
  if (core_) core_->Answered(*turn_, id_, said);
}

void Permit::FirstOutput() {
  if (core_) core_->FirstOutput(*turn_, id_);
}

bool Permit::TakeRetry() { return core_ && core_->TakeRetry(*turn_); }

void Permit::Settle(const chat::v1::Usage& actual) {
  if (const auto core = std::exchange(core_, nullptr)) core->Settle(*turn_, id_, actual);
}

void Permit::Failed(chat::v1::ErrorKind kind, const chat::v1::Usage& actual) {
  if (const auto core = std::exchange(core_, nullptr)) core->Failed(*turn_, id_, kind, actual);
}

void Permit::Stopped() {
  if (const auto core = std::exchange(core_, nullptr)) core->Stopped(*turn_, id_);
}

void Permit::NotTaken() {
  if (const auto core = std::exchange(core_, nullptr)) core->NotTaken(*turn_, id_);
}

void Permit::NotSent(chat::v1::ErrorKind kind) {
  if (const auto core = std::exchange(core_, nullptr)) core->NotSent(*turn_, id_, kind);
}

void Permit::Refused(std::optional<absl::Duration> retry_after,
                     const provider::v1::RateLimits& said) {
  if (const auto core = std::exchange(core_, nullptr)) {
    core->Refused(*turn_, id_, retry_after, said);
  }
}

void Permit::GiveBack() {
  if (const auto core = std::exchange(core_, nullptr)) core->GiveBack(*turn_, id_);
}

WaitingTurn::WaitingTurn(std::shared_ptr<ArbiterCore> core, std::shared_ptr<TurnState> turn)
    : core_(std::move(core)), turn_(std::move(turn)) {}

WaitingTurn::~WaitingTurn() { core_->Leave(*turn_); }

Awaitable<absl::Status> WaitingTurn::InWindow(std::stop_token stop) {
  const std::shared_ptr<WindowWait> wait = core_->AskWindow(*turn_);
  if (!wait) co_return absl::OkStatus();
  const std::stop_callback on_stop(stop, [this] { core_->StopWindow(*turn_); });
  co_return co_await wait->Wait();
}

Awaitable<absl::StatusOr<Permit>> WaitingTurn::Acquire(CallSize size, std::stop_token stop,
                                                       absl::Duration patience) {
  auto asked = core_->AskPermit(*turn_, size, patience);
  if (!asked.ok()) co_return std::move(asked).status();
  if (!asked->wait) co_return Permit(core_, turn_, asked->permit, asked->lane);
  const std::stop_callback on_stop(stop, [this] { core_->StopPermit(*turn_); });
  co_return co_await asked->wait->Wait();
}

void WaitingTurn::SetClass(chat::v1::TurnClass turn_class) { core_->SetClass(*turn_, turn_class); }

PlaceInLine WaitingTurn::Place() const { return core_->Place(*turn_); }

Arbiter::Arbiter(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneSet> lanes,
                 const Clock& clock, Timers& timers)
    : core_(std::make_shared<ArbiterCore>(std::move(scheduler), std::move(lanes), clock, timers)) {}

Arbiter::Arbiter(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneLimiter> limiter,
                 const Clock& clock, Timers& timers)
    : Arbiter(std::move(scheduler), OneLane(std::move(limiter)), clock, timers) {}

Arbiter::~Arbiter() = default;

std::unique_ptr<WaitingTurn> Arbiter::Enter(TurnInLine turn) {
  return std::make_unique<WaitingTurn>(core_, core_->Enter(std::move(turn)));
}

absl::Status Arbiter::CheckPossible(const CallSize& size) const {
  return core_->CheckPossible(size);
}

void Arbiter::SetShares(const Shares& shares) { core_->SetShares(shares); }

PlaceInLine Arbiter::PlaceOfNext(const TurnInLine& turn) const { return core_->PlaceOfNext(turn); }

Eta Arbiter::Serial(int64_t calls) const { return core_->Serial(calls); }

PoolLoad Arbiter::Load() const { return core_->Load(); }

LoadSignal Arbiter::Signal() const { return core_->Signal(); }

std::optional<Outage> Arbiter::OutageNow() const { return core_->OutageNow(); }

const std::vector<std::string>& Arbiter::lanes() const { return core_->lanes(); }

LaneLoad Arbiter::Load(int lane) const { return core_->Load(lane); }

ClassLoad Arbiter::LoadOf(chat::v1::TurnClass turn_class) const {
  return core_->LoadOf(turn_class);
}

Eta Arbiter::EtaOf(chat::v1::TurnClass turn_class) const { return core_->EtaOf(turn_class); }

void Arbiter::CountRefused(chat::v1::TurnClass turn_class, int64_t times) {
  core_->CountRefused(turn_class, times);
}

}  // namespace penstock::dispatcher
