#include "services/gateway/standing_refusals.h"

#include <algorithm>
#include <utility>

#include "libs/base/refusal.h"

#include "absl/strings/numbers.h"

namespace penstock::gateway {
namespace {

// More kinds of turns than that are not remembered at a time.
constexpr size_t kMostKinds = 10'000;
// Whatever the dispatcher says.
constexpr absl::Duration kHoldsAtMost = absl::Seconds(1);

absl::Duration HoldsFor(const absl::Status& answer) {
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(MetadataOf(answer, "holds_ms"), &milliseconds)) return absl::ZeroDuration();
  return std::min(absl::Milliseconds(milliseconds), kHoldsAtMost);
}

}  // namespace

StandingRefusals::StandingRefusals(const Clock& clock, obs::Metrics& metrics)
    : clock_(clock),
      repeated_(metrics.AddCounter(
          "penstock_gateway_refusals_repeated_total",
          "Turns refused without asking the dispatcher, because its last refusal still holds.")) {}

std::optional<absl::Status> StandingRefusals::Repeat(const AlikeTurns& turns) {
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const auto found = standing_.find(turns);
  if (found == standing_.end() || now >= found->second.until) return std::nullopt;
  ++found->second.repeated;
  repeated_.Increment();
  return found->second.refusal;
}

void StandingRefusals::Note(const AlikeTurns& turns, const absl::Status& answer) {
  const absl::Duration holds = HoldsFor(answer);
  if (holds <= absl::ZeroDuration()) return;
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  if (standing_.size() >= kMostKinds) DropOld(now);
  if (standing_.size() >= kMostKinds) return;
  Standing& standing = standing_[turns];
  standing.refusal = answer;
  standing.until = now + holds;
}

int64_t StandingRefusals::TakeCount(const AlikeTurns& turns) {
  MutexLock lock(mutex_);
  const auto found = standing_.find(turns);
  return found == standing_.end() ? 0 : std::exchange(found->second.repeated, 0);
}

void StandingRefusals::DropOld(absl::Duration now) {
  absl::erase_if(standing_, [now](const auto& entry) { return now >= entry.second.until; });
}

}  // namespace penstock::gateway
