// What the configuration grants a user, by the tier of the token and by the tenant.
#pragma once

#include <string>

#include "libs/identity/principal.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace penstock::dispatcher {

// Immutable, so thread-safe. The configuration must outlive it and be valid.
class Tiers {
 public:
  explicit Tiers(const config::v1::Config& config);

  // INVALID_ARGUMENT (FIELD_INVALID) naming the tiers there are: the gateway that has checked the
  // token, or a start before this one, knew others.
  absl::StatusOr<const config::v1::Tier*> TierOf(const identity::Principal& principal) const;
  // Null: a tenant without an entry, so without a budget.
  const config::v1::Tenant* TenantOf(const identity::Principal& principal) const;

 private:
  absl::flat_hash_map<std::string, const config::v1::Tier*> tiers_;
  absl::flat_hash_map<std::string, const config::v1::Tenant*> tenants_;
  // As a sentence has them.
  std::string names_;
};

// The class of its turns of NORMAL urgency.
chat::v1::TurnClass ClassOf(const config::v1::Tier& tier);

}  // namespace penstock::dispatcher
