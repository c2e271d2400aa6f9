#include "services/dispatcher/turn/retry_policy.h"

#include <algorithm>

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {

std::optional<absl::Duration> DelayBeforeRetry(const provider::v1::GenerateFailed& failed,
                                               const AttemptHistory& history, int32_t max_attempts,
                                               double jitter) {
  bool again = false;
  switch (failed.kind()) {
    case chat::v1::PROVIDER_OVERLOADED:
    case chat::v1::PROVIDER_INTERNAL:
    case chat::v1::PROVIDER_TIMEOUT:
    case chat::v1::PROVIDER_UNREACHABLE:
    case chat::v1::STREAM_TRUNCATED:
      again = history.attempts < max_attempts;
      break;
    case chat::v1::MALFORMED_RESPONSE:
      again = history.attempts < max_attempts && history.malformed < 2;
      break;
    default:
      break;
  }
  if (!again) return std::nullopt;
  if (failed.has_retry_after()) return FromProto(failed.retry_after());
  const int32_t failures = std::max(0, history.attempts - 1);
  const absl::Duration base =
      std::min(absl::Milliseconds(500) * (int64_t{1} << std::min(failures, 6)), absl::Seconds(8));
  return base * (1.0 - 0.25 * jitter);
}

absl::Duration PeerBackoff(int32_t failures) {
  return std::min(absl::Milliseconds(50) * (int64_t{1} << std::min(failures, 6)), absl::Seconds(1));
}

}  // namespace penstock::dispatcher
