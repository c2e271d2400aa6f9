// What of the configuration may change while the dispatcher runs.
#pragma once

#include "libs/base/snapshot.h"
#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/admission/tiers.h"

namespace penstock::dispatcher {

// Immutable; a reload makes another one.
struct Policy {
  // Of `all` the sections queue, tenants and tiers.
  explicit Policy(const config::v1::Config& all)
      : config([&] {
          config::v1::Config sections;
          *sections.mutable_queue() = all.queue();
          *sections.mutable_tenants() = all.tenants();
          *sections.mutable_tiers() = all.tiers();
          return sections;
        }()),
        tiers(config) {}
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  const config::v1::Config config;
  const Tiers tiers;
};

}  // namespace penstock::dispatcher
