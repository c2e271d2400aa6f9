// One limit of one account: the law, the unseen second consumer beside us, and what headers say.
#pragma once

#include <memory>

#include "tests/providersim/limit_options.h"
#include "tests/providersim/limit_state.h"
#include "tests/providersim/rate_law.h"

namespace penstock::providersim {

// Counts in tokens or requests. Not thread-safe.
class LimitedDimension {
 public:
  // `per_minute` (above 0) is the limit of the options; `factor` as of Scale.
  LimitedDimension(Dimension dimension, int64_t per_minute, double factor,
                   const LimitOptions& options);

  Dimension dimension() const { return dimension_; }
  int64_t limit() const { return limit_; }
  // As the law's room, whole tokens, at least 0.
  int64_t remaining() const;

  // `now` never goes back. The second consumer has drawn by then, every 100 ms since the start:
  // its share of what the law allows in that time, or what room there was. What it misses is lost.
  void AdvanceTo(Micros now);
  // As the law's; `count` is at most limit().
  Micros FirstFit(Micros from, int64_t count) const;
  ChargeId Charge(int64_t count);
  bool Refund(ChargeId charge, int64_t count);

  // The limit is `factor` times that of the options from now on, at least 1. `silent`: headers
  // speak of the limit before, as if it were still the law.
  void Scale(double factor, bool silent);
  // For headers.
  LimitState Stated() const;

 private:
  int64_t LimitBy(double factor) const;
  void Draw(Amount amount);

  const Dimension dimension_;
  const int64_t per_minute_;
  const int64_t other_consumer_ppm_;
  int64_t limit_;
  std::unique_ptr<RateLaw> law_;
  // Of the same charges under the limit that headers state. Null: that is law_.
  std::unique_ptr<RateLaw> stated_law_;
  int64_t stated_limit_;
  Micros now_ = 0;
  // When the second consumer draws next.
  Micros next_draw_;
};

}  // namespace penstock::providersim
