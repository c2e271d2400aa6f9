// What a provider tells of its limits: in headers, and when it refuses.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/providersim/rate_law.h"

namespace penstock::providersim {

enum class Dimension { kRequests, kTokens, kInputTokens, kOutputTokens };
inline constexpr int kDimensions = 4;

struct LimitState {
  Dimension dimension;
  int64_t limit = 0;
  // What could be charged now, at least 0.
  int64_t remaining = 0;
  // Until all of the limit could be, if nothing else is charged.
  Micros reset = 0;
};

struct LimitExceeded {
  Dimension dimension;
  int64_t limit = 0;
  int64_t remaining = 0;
  int64_t requested = 0;
  // Until the request fits in every dimension, if nothing else is charged. Nothing: it never does.
  std::optional<Micros> retry_after = {};
};

// Rounded up.
inline int64_t WholeMillis(Micros duration) { return DivideUp(duration, 1000); }

}  // namespace penstock::providersim
