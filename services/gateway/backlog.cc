#include "services/gateway/backlog.h"

#include "libs/base/refusal.h"

namespace penstock::gateway {
namespace {

// An answer within this time comes soon: what a caller who is refused should wait at most.
constexpr absl::Duration kSoon = absl::Milliseconds(50);
// So long without one is overload.
constexpr absl::Duration kPatience = absl::Milliseconds(250);
// How long there must have been room until the next burst is taken.
constexpr absl::Duration kRecovery = absl::Seconds(1);
constexpr absl::Duration kRetryAfter = absl::Seconds(1);

}  // namespace

Backlog::Backlog(const Clock& clock, obs::Metrics& metrics, BacklogLimits limits)
    : clock_(clock),
      limits_(limits),
      gauge_(metrics.AddGauge(
          "penstock_gateway_unanswered_submissions",
          "Turns that were submitted and are neither accepted nor refused so far.")) {}

bool Backlog::IsOverloaded(absl::Duration now) {
  if (full_since_ && (last_full_ || now - *full_since_ > kPatience)) last_full_ = now;
  if (last_full_ && now - *last_full_ > kRecovery) last_full_.reset();
  return last_full_.has_value();
}

std::unique_ptr<Backlog::Place> Backlog::Enter(bool urgent) {
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const int64_t room = IsOverloaded(now) && !urgent ? limits_.overloaded : limits_.burst;
  if (unanswered_ >= room) return nullptr;
  if (++unanswered_ >= limits_.overloaded && !full_since_) full_since_ = now;
  gauge_.Set(static_cast<double>(unanswered_));
  return std::make_unique<Place>(*this, now);
}

void Backlog::Leave(std::optional<absl::Duration> entered) {
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mutex_);
  --unanswered_;
  if (unanswered_ < limits_.overloaded) {
    full_since_.reset();
  } else if (entered && now - *entered <= kSoon) {
    full_since_ = now;
  }
  gauge_.Set(static_cast<double>(unanswered_));
}

absl::Status Backlog::Overloaded() {
  return Refusal(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                 "the gateway has more submissions in progress than it can answer; nothing was "
                 "taken, send the same request again later")
      .RetryAfter(kRetryAfter)
      .Say("High demand. Please try again in 1 second.");
}

}  // namespace penstock::gateway
