// One fixed number of calls at a time.
#pragma once

#include "services/dispatcher/limits/lane_limiter.h"

#include "absl/container/flat_hash_set.h"

namespace penstock::dispatcher {

class ConcurrencyLimiter : public LaneLimiter {
 public:
  // `concurrency` is at least 1.
  explicit ConcurrencyLimiter(int64_t concurrency) : concurrency_(concurrency) {}

  absl::Duration Reserve(PermitId permit, int64_t input_tokens, int64_t output_tokens,
                         absl::Duration now) override;
  void Settle(PermitId permit, const chat::v1::Usage& actual, absl::Duration now) override;
  void GiveBack(PermitId permit, absl::Duration now) override;
  void Expire(PermitId permit, absl::Duration now) override;
  int64_t in_flight() const override { return static_cast<int64_t>(held_.size()); }
  int64_t concurrency() const override { return concurrency_; }

 private:
  const int64_t concurrency_;
  absl::flat_hash_set<PermitId> held_;
};

}  // namespace penstock::dispatcher
