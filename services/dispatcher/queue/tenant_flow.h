// What a class remembers of a tenant, and of each of its users: the flows of the two levels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "services/dispatcher/queue/fair_level.h"
#include "services/dispatcher/queue/user_line.h"

namespace penstock::dispatcher {

struct TenantFlow : FairFlow {
  // Index of the tenant.
  uint32_t tenant = 0;
  // Above 0.
  double weight = 1;
  // Of its users.
  FairLevel level;
  // Its turns in line.
  size_t waiting = 0;

  // Tenants of equal S stand in order of their indices.
  Standing standing() const {
    Standing standing;
    if (!level.line().empty()) standing.in_line = tenant;
    if (level.Next() != nullptr) standing.ready = tenant;
    return standing;
  }
};

struct UserFlow : FairFlow {
  TenantFlow* tenant = nullptr;
  // A hash of the user.
  uint64_t user = 0;
  UserLine line;

  // Users of equal S stand in order of their first turns.
  Standing standing() const {
    Standing standing;
    if (const FairEntry* first = line.First()) standing.in_line = first->seq;
    if (const FairEntry* first = line.FirstReady()) standing.ready = first->seq;
    return standing;
  }
};

}  // namespace penstock::dispatcher
