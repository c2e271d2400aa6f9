// What all connections share.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "tests/providersim/call_log.h"
#include "tests/providersim/control.h"
#include "tests/providersim/gates.h"
#include "tests/providersim/options.h"
#include "tests/providersim/outage.h"
#include "tests/providersim/prompt_cache.h"
#include "tests/providersim/rate_limits.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {

// Thread-safe; outlives every connection.
struct Simulator {
  // `seed` tells the ids of one process from those of another. Limits go by `clock`.
  Simulator(Options given, Ledger ledger, uint64_t seed, const Clock& clock)
      : options(std::move(given)),
        log(options.record_limit, std::move(ledger)),
        limits(options.limits, clock),
        cache(options.cache_min_tokens, clock),
        control(options, log, gates, limits, outage),
        seed(seed) {}

  // 32 hex digits, never the same twice.
  std::string NextId() {
    return absl::StrCat(absl::Hex(seed, absl::kZeroPad16), absl::Hex(++ids, absl::kZeroPad16));
  }

  const Options options;
  CallLog log;
  Gates gates;
  RateLimits limits;
  PromptCache cache;
  Outage outage;
  Control control;
  const uint64_t seed;
  std::atomic<uint64_t> ids = 0;
  std::atomic<uint64_t> connections = 0;
};

}  // namespace penstock::providersim
