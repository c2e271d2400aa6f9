// What one simulation is made of: everything that a seed decides before it begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "penstock/config/v1/config.pb.h"
#include "tests/simulation/callers.h"
#include "tests/simulation/network.h"
#include "tests/simulation/provider_model.h"

#include "absl/time/time.h"

namespace penstock::simulation {

struct Plan {
  uint64_t seed = 0;
  config::v1::Config config;
  Weather weather;
  ProviderPlan provider;
  Habits habits;
  // Of which callers are drawn.
  int tenants = 10;
  int users_per_tenant = 10;
  // Between two conversations that begin, and how many turns they have at most.
  absl::Duration conversation_every = absl::Seconds(1);
  int longest_conversation = 6;
  // Load goes on until so much has happened.
  int64_t events = 4000;
  absl::Duration lasts_at_least = absl::ZeroDuration();
  // Of the dispatcher, spread over the events.
  int crashes = 3;
  // Parts of them that are a loss of power, and a second dispatcher that takes over unnoticed.
  double power_cuts = 0.4;
  double replaced = 0.15;
  // Of the others, spread likewise.
  int session_outages = 1;
  int memory_outages = 1;
  // Two tenants that never have enough, the second from the 60th second on, and a third of a lower
  // class: what they are served is compared. Nobody else, and no crash meanwhile.
  bool rivals = false;

  // Any seed.
  static Plan Of(uint64_t seed);
};

// One model, one agent with a tool, and short times.
config::v1::Config BaseConfig();

}  // namespace penstock::simulation
