#include "services/dispatcher/admission/tiers.h"

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {

Tiers::Tiers(const config::v1::Config& config) {
  for (const auto& tier : config.tiers()) {
    tiers_[tier.name()] = &tier;
    absl::StrAppend(&names_, names_.empty() ? "" : ", ", tier.name());
  }
  for (const auto& tenant : config.tenants()) tenants_[tenant.name()] = &tenant;
}

absl::StatusOr<const config::v1::Tier*> Tiers::TierOf(const identity::Principal& principal) const {
  const auto found = tiers_.find(principal.tier);
  if (found != tiers_.end()) return found->second;
  return FieldInvalid("tier of the token", absl::StrCat("\"", principal.tier, "\""),
                      absl::StrCat("a tier of the dispatcher's configuration: ", names_));
}

const config::v1::Tenant* Tiers::TenantOf(const identity::Principal& principal) const {
  const auto found = tenants_.find(principal.tenant);
  return found == tenants_.end() ? nullptr : found->second;
}

chat::v1::TurnClass ClassOf(const config::v1::Tier& tier) {
  return tier.turn_class() == "PAID" ? chat::v1::CLASS_PAID : chat::v1::CLASS_FREE;
}

}  // namespace penstock::dispatcher
