// What of a changed configuration a running process takes over.
#pragma once

#include <string>
#include <vector>

#include "penstock/config/v1/config.pb.h"

namespace penstock::host {

// Sections of the configuration, by their names in the file.
struct ChangedSections {
  // In force as soon as the services have them.
  std::vector<std::string> now;
  // Not before the next start.
  std::vector<std::string> at_next_start;
};

ChangedSections Compare(const config::v1::Config& before, const config::v1::Config& after);

// `before` with the sections of `after` that count at once.
config::v1::Config Reloaded(const config::v1::Config& before, const config::v1::Config& after);

}  // namespace penstock::host
