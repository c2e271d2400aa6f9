// The turns of the last hour, counted by the minute in which they were accepted. Pure.
//
// A turn counts until the 60th minute after its own has ended, so in any 60 minutes there are no
// more than a limit allows, and what was used comes back after 60 to 61 minutes.
#pragma once

#include <cstdint>

#include <google/protobuf/repeated_field.h>

#include "penstock/dispatcher/v1/journal.pb.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Oldest first, each minute once.
using Minutes = google::protobuf::RepeatedPtrField<v1::UserCounters::Minute>;

void DropOldMinutes(absl::Time now, Minutes& minutes);
void AddTurn(absl::Time accepted, Minutes& minutes);
// Takes back an AddTurn of the same time.
void RemoveTurn(absl::Time accepted, Minutes& minutes);
int64_t TurnsIn(const Minutes& minutes);
// Until fewer than `limit` (at least 1) turns count, if none is added; zero when it is so now.
absl::Duration UntilFewerThan(int64_t limit, absl::Time now, const Minutes& minutes);

}  // namespace penstock::dispatcher
