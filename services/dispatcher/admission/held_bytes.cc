#include "services/dispatcher/admission/held_bytes.h"

#include "libs/base/status_macros.h"
#include "services/dispatcher/admission/class_share.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

// `whose`: for the message.
absl::Status CheckOne(int64_t held, int64_t allowed, absl::string_view whose,
                      const BroughtBytes& brought, absl::Duration eta) {
  if (held == 0 || held + brought.bytes <= allowed) return absl::OkStatus();
  return QueueFull(
      {.message = absl::StrCat("turns", whose, " hold ", held, " bytes, with the ", brought.bytes,
                               " of a turn of ", chat::v1::TurnClass_Name(brought.turn_class),
                               " it may be ", allowed, "; try again later"),
       .limit = absl::StrCat(allowed, " bytes"),
       .turn_class = brought.turn_class,
       .eta = eta});
}

}  // namespace

void HeldBytes::SetLimits(HeldBytesLimits limits) {
  MutexLock lock(mutex_);
  limits_ = limits;
}

absl::Status HeldBytes::Check(const BroughtBytes& brought, absl::Duration eta) const {
  const double share = ShareOf(brought.turn_class);
  PENSTOCK_RETURN_IF_ERROR(CheckOne(bytes_, PartOf(limits_.bytes, share), "", brought, eta));
  const auto tenant = tenants_.find(brought.tenant);
  if (tenant == tenants_.end()) return absl::OkStatus();
  return CheckOne(tenant->second, PartOf(limits_.bytes, share * limits_.tenant_share),
                  absl::StrCat(" of tenant ", brought.tenant), brought, eta);
}

absl::StatusOr<HeldBytes::Part> HeldBytes::Take(BroughtBytes brought, absl::Duration eta) {
  MutexLock lock(mutex_);
  PENSTOCK_RETURN_IF_ERROR(Check(brought, eta));
  return Add(std::move(brought));
}

HeldBytes::Part HeldBytes::TakeAgain(BroughtBytes brought) {
  MutexLock lock(mutex_);
  return Add(std::move(brought));
}

int64_t HeldBytes::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

HeldBytes::Part HeldBytes::Add(BroughtBytes brought) {
  bytes_ += brought.bytes;
  tenants_[brought.tenant] += brought.bytes;
  return Part(shared_from_this(), std::move(brought));
}

void HeldBytes::GiveBack(const BroughtBytes& brought) {
  MutexLock lock(mutex_);
  bytes_ -= brought.bytes;
  const auto tenant = tenants_.find(brought.tenant);
  tenant->second -= brought.bytes;
  if (tenant->second == 0) tenants_.erase(tenant);
}

}  // namespace penstock::dispatcher
