#include "services/dispatcher/queue/arbiter.h"

#include <utility>

#include "services/dispatcher/queue/arbiter_core.h"

namespace penstock::dispatcher {

Permit::Permit(std::shared_ptr<ArbiterCore> core, std::shared_ptr<TurnState> turn, PermitId id)
    : core_(std::move(core)), turn_(std::move(turn)), id_(id) {}

Permit::Permit(Permit&& other) noexcept = default;

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  GiveBack();
  core_ = std::move(other.core_);
  turn_ = std::move(other.turn_);
  id_ = other.id_;
  return *this;
}

Permit::~Permit() { GiveBack(); }

void Permit::Answered(const provider::v1::RateLimits& said) {
  if (core_) core_->Answered(id_, said);
}

void Permit::FirstOutput() {
  if (core_) core_->FirstOutput(id_);
}

void Permit::Overloaded() {
  if (core_) core_->Overloaded(id_);
}

void Permit::Settle(const chat::v1::Usage& actual) {
  if (const auto core = std::exchange(core_, nullptr)) core->Settle(*turn_, id_, actual);
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

Awaitable<absl::StatusOr<Permit>> WaitingTurn::Acquire(CallSize size, std::stop_token stop) {
  auto asked = core_->AskPermit(*turn_, size);
  if (!asked.ok()) co_return std::move(asked).status();
  if (!asked->wait) co_return Permit(core_, turn_, asked->permit);
  const std::stop_callback on_stop(stop, [this] { core_->StopPermit(*turn_); });
  co_return co_await asked->wait->Wait();
}

void WaitingTurn::SetClass(chat::v1::TurnClass turn_class) { core_->SetClass(*turn_, turn_class); }

PlaceInLine WaitingTurn::Place() const { return core_->Place(*turn_); }

Arbiter::Arbiter(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneLimiter> limiter,
                 const Clock& clock, Timers& timers)
    : core_(
          std::make_shared<ArbiterCore>(std::move(scheduler), std::move(limiter), clock, timers)) {}

Arbiter::~Arbiter() = default;

std::unique_ptr<WaitingTurn> Arbiter::Enter(TurnInLine turn) {
  return std::make_unique<WaitingTurn>(core_, core_->Enter(std::move(turn)));
}

absl::Status Arbiter::CheckPossible(const CallSize& size) const {
  return core_->CheckPossible(size);
}

PlaceInLine Arbiter::PlaceOfNext(const TurnInLine& turn) const { return core_->PlaceOfNext(turn); }

Eta Arbiter::Serial(int64_t calls) const { return core_->Serial(calls); }

PoolLoad Arbiter::Load() const { return core_->Load(); }

ClassLoad Arbiter::LoadOf(chat::v1::TurnClass turn_class) const {
  return core_->LoadOf(turn_class);
}

Eta Arbiter::EtaOf(chat::v1::TurnClass turn_class) const { return core_->EtaOf(turn_class); }

void Arbiter::CountRefused(chat::v1::TurnClass turn_class) { core_->CountRefused(turn_class); }

}  // namespace penstock::dispatcher
