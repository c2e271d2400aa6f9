// The limits of one lane, from the configuration and from what its provider says.
#pragma once

#include <memory>

#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/limits/adaptive_concurrency.h"
#include "services/dispatcher/limits/lane_limiter.h"
#include "services/dispatcher/limits/output_forecast.h"
#include "services/dispatcher/limits/quota.h"
#include "services/dispatcher/limits/throttle.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::dispatcher {

class RateLimiter : public LaneLimiter {
 public:
  // `model` as validated. Its allowances begin empty at `now`.
  RateLimiter(const config::v1::Model& model, absl::Duration now);

  absl::Status CheckPossible(const CallSize& call) const override;
  absl::Duration Reserve(PermitId permit, const CallSize& call, absl::Duration now) override;
  Room RoomFor(const CallSize& call, absl::Duration now) override;
  void Answered(PermitId permit, const provider::v1::RateLimits& said, absl::Duration now) override;
  void FirstOutput(PermitId permit, absl::Duration now) override;
  void Overloaded(PermitId permit, absl::Duration now) override;
  void StartAgain() override { concurrency_.StartAgain(); }
  void Settle(PermitId permit, const chat::v1::Usage& actual, absl::Duration now) override;
  void GiveBack(PermitId permit, absl::Duration now) override;
  void Refused(PermitId permit, std::optional<absl::Duration> retry_after,
               const provider::v1::RateLimits& said, absl::Duration now) override;
  void Expire(PermitId permit, absl::Duration now) override;
  int64_t in_flight() const override { return static_cast<int64_t>(calls_.size()); }
  int64_t concurrency() const override { return concurrency_.limit(); }
  double calls_per_second() const override;
  double rate_factor() const override { return quota_.factor(); }
  absl::Duration PauseLeft(absl::Duration now) const override { return throttle_.PauseLeft(now); }

 private:
  struct Call {
    Amounts reserved;
    absl::Duration permitted;
  };

  // What the provider counts when the call begins, and what of that may come back.
  Amounts AmountsOf(const CallSize& call) const;
  static Amounts Refundable(const Amounts& amounts);
  Amounts AmountsOf(const Amounts& reserved, const chat::v1::Usage& actual) const;

  const bool output_counted_as_generated_;
  const double cached_input_weight_;
  Quota quota_;
  Throttle throttle_;
  AdaptiveConcurrency concurrency_;
  OutputForecast forecast_;
  // Of a call that has ended; no requests: none has.
  Amounts mean_ = {};
  absl::flat_hash_map<PermitId, Call> calls_;
};

}  // namespace penstock::dispatcher
