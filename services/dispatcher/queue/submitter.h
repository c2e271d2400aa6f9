// Who submitted a turn, as its journal says.
#pragma once

#include "libs/base/proto_time.h"
#include "libs/identity/journaled.h"
#include "libs/identity/principal.h"
#include "penstock/dispatcher/v1/journal.pb.h"

namespace penstock::dispatcher {

inline identity::Principal SubmitterOf(const v1::Submitted& submitted) {
  return {.tenant = submitted.tenant(),
          .user = submitted.user(),
          .tier = submitted.tier(),
          .scopes = {submitted.scopes().begin(), submitted.scopes().end()},
          .admitted = FromProto(submitted.admitted()),
          .turn = submitted.turn_id(),
          .key = identity::UserKeyOfJournaled(submitted.tenant(), submitted.user())};
}

}  // namespace penstock::dispatcher
