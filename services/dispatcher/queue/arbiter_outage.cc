// Who waits while every lane of the pool is left alone, and who is sent away.
#include <algorithm>
#include <utility>

#include "libs/base/refusal.h"
#include "services/dispatcher/queue/arbiter_core.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

absl::Status AllFailed(const Outage& outage) {
  const std::string& kind = chat::v1::ErrorKind_Name(outage.kind);
  const std::string message =
      absl::StrCat("every provider of the model has failed lately (", kind, ") and is left alone");
  if (outage.wait == absl::InfiniteDuration()) {
    return Refusal(absl::StatusCode::kUnavailable, kind,
                   absl::StrCat(message, "; one call tries it again"));
  }
  return Refusal(absl::StatusCode::kUnavailable, kind,
                 absl::StrCat(message, "; it is tried again in ",
                              absl::FormatDuration(absl::Ceil(outage.wait, absl::Seconds(1)))))
      .RetryAfter(outage.wait);
}

}  // namespace

std::optional<Outage> ArbiterCore::OutageNow() const {
  MutexLock lock(mutex_);
  return lanes_->OutageOf(~uint64_t{0}, clock_.Monotonic());
}

absl::Duration ArbiterCore::SendAway(Wakes& wakes) {
  const absl::Duration now = clock_.Monotonic();
  absl::Duration next = absl::InfiniteDuration();
  absl::InlinedVector<std::pair<TurnState*, absl::Status>, 8> away;
  for (TurnState* turn : suspended_) {
    if (auto status = SentAway(*turn, now)) {
      away.emplace_back(turn, *std::move(status));
    } else if (turn->patient_until > now) {
      next = std::min(next, turn->patient_until - now);
    }
  }
  // Who came first goes first.
  std::sort(away.begin(), away.end(),
            [](const auto& a, const auto& b) { return a.first->id < b.first->id; });
  for (auto& [turn, status] : away) {
    suspended_.erase(turn);
    LeaveLine(*turn);
    wakes.permits.emplace_back(std::exchange(turn->permit_wait, nullptr), std::move(status));
  }
  return next;
}

std::optional<absl::Status> ArbiterCore::SentAway(const TurnState& turn, absl::Duration now) const {
  const std::optional<Outage> outage = lanes_->OutageOf(turn.call.lanes, now);
  if (!outage) return std::nullopt;
  // A trial that is under way may end at any time.
  const absl::Duration end = outage->wait == absl::InfiniteDuration() ? now : now + outage->wait;
  if (end < turn.patient_until) return std::nullopt;
  return AllFailed(*outage);
}

}  // namespace penstock::dispatcher
