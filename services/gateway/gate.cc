#include "services/gateway/gate.h"

#include "libs/base/refusal.h"

namespace penstock::gateway {

std::optional<LiveCount::Holder> Gate::Enter() {
  // Counted first: whoever closes the gate and then sees nobody inside is right.
  auto holder = inside_.Hold();
  if (closed_) return std::nullopt;
  return holder;
}

absl::Status Gate::Draining() {
  return Refusal(absl::StatusCode::kUnavailable, "DRAINING",
                 "this gateway is stopping; send the same request again, to another one")
      .RetryAfter(absl::Seconds(1));
}

}  // namespace penstock::gateway
