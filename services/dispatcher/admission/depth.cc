#include "services/dispatcher/admission/depth.h"

#include <algorithm>

#include "services/dispatcher/admission/class_share.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

// Of a turn that brings nothing: what refuses it refuses every turn.
constexpr int64_t kAnySize = 0;
constexpr absl::Duration kHoldsAtMost = absl::Milliseconds(100);

}  // namespace

void Depth::SetLimits(DepthLimits limits) {
  MutexLock lock(mutex_);
  limits_ = limits;
}

std::optional<Depth::Lack> Depth::LackIn(const Waiting& waiting, double share,
                                         const WaitingPart& part) const {
  if (waiting.turns == 0) return std::nullopt;
  const Waiting allowed{.turns = PartOf(limits_.turns, share),
                        .tokens = PartOf(limits_.tokens, share)};
  const bool of_turns = waiting.turns >= allowed.turns;
  if (!of_turns && waiting.tokens + part.tokens <= allowed.tokens) return std::nullopt;
  return Lack{.waiting = waiting, .allowed = allowed, .of_turns = of_turns};
}

std::optional<Depth::Lack> Depth::LackFor(const WaitingPart& part) const {
  const double share = ShareOf(part.turn_class);
  if (auto lack = LackIn(all_, share, part)) return lack;
  const auto tenant = tenants_.find(part.tenant);
  if (tenant == tenants_.end()) return std::nullopt;
  auto lack = LackIn(tenant->second, share * limits_.tenant_share, part);
  if (lack) lack->of_tenant = true;
  return lack;
}

absl::Status Depth::Refuse(const Lack& lack, const WaitingPart& part, absl::Duration eta) const {
  const std::string whose = lack.of_tenant ? absl::StrCat(" of tenant ", part.tenant) : "";
  const std::string turn_class = chat::v1::TurnClass_Name(part.turn_class);
  Shortage shortage;
  shortage.turn_class = part.turn_class;
  shortage.eta = eta;
  if (part.tokens == kAnySize) shortage.holds = std::min(kHoldsAtMost, eta / 20);
  if (lack.of_turns) {
    shortage.message =
        absl::StrCat("pool ", pool_, ": ", lack.waiting.turns, " turns", whose, " wait, one of ",
                     turn_class, " may join ", lack.allowed.turns, "; try again later");
    shortage.limit = absl::StrCat(lack.allowed.turns);
  } else {
    shortage.message = absl::StrCat("pool ", pool_, ": ", lack.waiting.tokens, " tokens", whose,
                                    " wait, with the ", part.tokens, " of a turn of ", turn_class,
                                    " it may be ", lack.allowed.tokens, "; try again later");
    shortage.limit = absl::StrCat(lack.allowed.tokens, " tokens");
  }
  return QueueFull(shortage);
}

bool Depth::HasRoom(const std::string& tenant, chat::v1::TurnClass turn_class) const {
  MutexLock lock(mutex_);
  return !LackFor({.tenant = tenant, .turn_class = turn_class, .tokens = kAnySize});
}

absl::Status Depth::CheckRoom(const std::string& tenant, chat::v1::TurnClass turn_class,
                              absl::Duration eta) const {
  MutexLock lock(mutex_);
  const WaitingPart part{.tenant = tenant, .turn_class = turn_class, .tokens = kAnySize};
  const auto lack = LackFor(part);
  return lack ? Refuse(*lack, part, eta) : absl::OkStatus();
}

absl::StatusOr<Depth::Place> Depth::Join(WaitingPart part, absl::Duration eta) {
  MutexLock lock(mutex_);
  if (const auto lack = LackFor(part)) return Refuse(*lack, part, eta);
  return Add(std::move(part));
}

Depth::Place Depth::JoinAgain(WaitingPart part) {
  MutexLock lock(mutex_);
  return Add(std::move(part));
}

Depth::Place Depth::Add(WaitingPart part) {
  for (Waiting* waiting : {&all_, &tenants_[part.tenant]}) {
    ++waiting->turns;
    waiting->tokens += part.tokens;
  }
  return Place(shared_from_this(), std::move(part));
}

void Depth::Leave(const WaitingPart& part) {
  MutexLock lock(mutex_);
  const auto tenant = tenants_.find(part.tenant);
  for (Waiting* waiting : {&all_, &tenant->second}) {
    --waiting->turns;
    waiting->tokens -= part.tokens;
  }
  if (tenant->second.turns == 0) tenants_.erase(tenant);
}

}  // namespace penstock::dispatcher
