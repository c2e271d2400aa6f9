#include "services/dispatcher/limits/concurrency_limiter.h"

namespace penstock::dispatcher {

absl::Duration ConcurrencyLimiter::Reserve(PermitId permit, int64_t, int64_t, absl::Duration) {
  if (in_flight() >= concurrency_) return absl::InfiniteDuration();
  held_.insert(permit);
  return absl::ZeroDuration();
}

void ConcurrencyLimiter::Settle(PermitId permit, const chat::v1::Usage&, absl::Duration) {
  held_.erase(permit);
}

void ConcurrencyLimiter::GiveBack(PermitId permit, absl::Duration) { held_.erase(permit); }

void ConcurrencyLimiter::Expire(PermitId permit, absl::Duration) { held_.erase(permit); }

}  // namespace penstock::dispatcher
