#include "services/dispatcher/admission/depth.h"

#include "libs/base/status_macros.h"
#include "services/dispatcher/admission/class_share.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
void Depth::SetLimits(DepthLimits limits) {
  MutexLock lock(mutex_);
  limits_ = limits;
}

absl::Status Depth::Check(const Waiting& waiting, double share, absl::string_view whose,
                          const WaitingPart& part, absl::Duration eta) const {
  if (waiting.turns == 0) return absl::OkStatus();
  const std::string turn_class = chat::v1::TurnClass_Name(part.turn_class);
  const int64_t turns = PartOf(limits_.turns, share);
  if (waiting.turns >= turns) {
    return QueueFull({.message = absl::StrCat("pool ", pool_, ": ", waiting.turns, " turns", whose,
                                              " wait, one of ", turn_class, " may join ", turns,
                                              "; try again later"),
                      .limit = absl::StrCat(turns),
                      .turn_class = part.turn_class,
                      .eta = eta});
  }
  const int64_t tokens = PartOf(limits_.tokens, share);
  if (waiting.tokens + part.tokens > tokens) {
    return QueueFull(
        {.message = absl::StrCat("pool ", pool_, ": ", waiting.tokens, " tokens", whose,
                                 " wait, with the ", part.tokens, " of a turn of ", turn_class,
                                 " it may be ", tokens, "; try again later"),
         .limit = absl::StrCat(tokens, " tokens"),
         .turn_class = part.turn_class,
         .eta = eta});
  }
  return absl::OkStatus();
}

absl::Status Depth::CheckAll(const WaitingPart& part, absl::Duration eta) const {
  const double share = ShareOf(part.turn_class);
  PENSTOCK_RETURN_IF_ERROR(Check(all_, share, "", part, eta));
  const auto tenant = tenants_.find(part.tenant);
  if (tenant == tenants_.end()) return absl::OkStatus();
  return Check(tenant->second, share * limits_.tenant_share,
               absl::StrCat(" of tenant ", part.tenant), part, eta);
}

absl::Status Depth::CheckRoom(const WaitingPart& part, absl::Duration eta) const {
  MutexLock lock(mutex_);
  return CheckAll(part, eta);
}

absl::StatusOr<Depth::Place> Depth::Join(WaitingPart part, absl::Duration eta) {
  MutexLock lock(mutex_);
  PENSTOCK_RETURN_IF_ERROR(CheckAll(part, eta));
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
