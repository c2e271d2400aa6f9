// Fills a fresh Penstock through its public API: memories, and sessions with history.
#pragma once

#include <boost/json/object.hpp>

#include "tests/bench/turns/gateway.h"
#include "tests/bench/turns/workload.h"

#include "absl/status/statusor.h"

namespace penstock::bench {

struct Preparation {
  Gateway gateway;
  int connections = 4;
  // Users filled at a time, each by a thread with one call under way.
  int concurrency = 64;
  int memories = 100;
  // Turns of each session.
  int history = 20;
};

// Blocks until all is there. The first error ends it.
absl::StatusOr<boost::json::object> Prepare(const Workload& workload,
                                            const Preparation& preparation);

}  // namespace penstock::bench
