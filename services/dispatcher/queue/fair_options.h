// How a pool is shared, from the configuration.
#pragma once

#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/queue/fair_scheduler.h"

namespace penstock::dispatcher {

// Tokens weigh as `model` charges for them; without a price as TokenCost says.
FairSchedulerOptions FairOptionsOf(const config::v1::Config& config,
                                   const config::v1::Model& model);

}  // namespace penstock::dispatcher
