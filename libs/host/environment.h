// What a process lends to its services: configuration, threads, time and metrics.
#pragma once

#include <boost/asio/io_context.hpp>

#include "libs/async/awaitable.h"
#include "libs/async/bounded_executor.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/obs/metrics.h"
#include "penstock/config/v1/config.pb.h"

namespace penstock::host {

class Health;

// References; the process owns what they name, and keeps it until all services are destroyed. Copy
// it freely.
struct Environment {
  // Complete: every default applied, ranges and names checked.
  const config::v1::Config& config;
  // Run by `config.process().threads()` workers from before the first Start until after the last
  // Stop.
  boost::asio::io_context& io;
  // An InlineExecutor over `io`: where coroutines are spawned.
  Executor executor;
  Timers& timers;
  Clock& clock;
  // For reads that may wait for a disk.
  BoundedExecutor& blocking;
  obs::Metrics& metrics;
  // What /readyz says, for whoever answers the same question over gRPC.
  const Health& health;
  // For ids and jitter.
  Random& random = SystemRandom();
};

}  // namespace penstock::host
