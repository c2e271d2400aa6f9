// Step 5 of a turn's life: one call of a provider through an adapter, into the event log.
#pragma once

#include "libs/async/awaitable.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/turn/bounded_answer.h"
#include "services/dispatcher/turn/turn_services.h"

namespace penstock::dispatcher {

struct AttemptOutcome {
  enum class Kind {
    kFinished,
    kFailed,
    // No adapter took the call: no attempt, the permit goes back.
    kNotTaken,
    // It could not be sent to the provider, which `failed` tells of: likewise.
    kNotSent,
    // The turn was stopped while the call ran.
    kStopped,
  };
  Kind kind = Kind::kNotTaken;
  provider::v1::GenerateFinished finished;
  provider::v1::GenerateFailed failed;
  // The caller may have seen text of it.
  bool any_delta = false;
  // Failed, and that says nothing of the provider: the adapter's stream broke.
  bool adapter_lost = false;
};

// Drains the adapter at full speed into the turn's log, behind what `answer` has of the step. Does
// not end the permit.
Awaitable<AttemptOutcome> GenerateAttempt(const TurnServices& services, LiveTurn& turn,
                                          provider::v1::GenerateRequest request,
                                          const BoundedAnswer& answer, Permit& permit);

}  // namespace penstock::dispatcher
