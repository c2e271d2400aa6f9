// Counts how public calls are refused.
#pragma once

#include "libs/obs/metrics.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

// Thread-safe.
class RefusalCounter {
 public:
  explicit RefusalCounter(obs::Metrics& metrics);

  // By reason. OK and CANCELLED are no refusals; INTERNAL counts as such, what is unknown as OTHER.
  void Count(const absl::Status& status) const;

 private:
  absl::flat_hash_map<absl::string_view, prometheus::Counter*> by_reason_;
};

}  // namespace penstock::gateway
