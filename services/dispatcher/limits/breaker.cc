#include "services/dispatcher/limits/breaker.h"

#include <algorithm>
#include <utility>

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {
namespace {

constexpr int64_t kEnoughCalls = 20;
constexpr double kMaxJitter = 0.25;

}  // namespace

Verdict VerdictOf(chat::v1::ErrorKind kind) {
  switch (kind) {
    case chat::v1::PROVIDER_OVERLOADED:
    case chat::v1::PROVIDER_TIMEOUT:
    case chat::v1::PROVIDER_INTERNAL:
    case chat::v1::PROVIDER_UNREACHABLE:
    case chat::v1::STREAM_TRUNCATED:
    case chat::v1::MALFORMED_RESPONSE:
      return Verdict::kFailed;
    case chat::v1::PROVIDER_AUTH:
    case chat::v1::PROVIDER_QUOTA:
      return Verdict::kFailedForLong;
    case chat::v1::CONTEXT_WINDOW:
    case chat::v1::CONTENT_POLICY:
      return Verdict::kWell;
    default:
      return Verdict::kNone;
  }
}

BreakerOptions BreakerOptionsOf(const config::v1::Model& model) {
  if (!model.has_breaker()) return {};
  const config::v1::Breaker& breaker = model.breaker();
  return {.failures = breaker.failures(),
          .failure_share = breaker.failure_share(),
          .open = FromProto(breaker.open()),
          .max_open = FromProto(breaker.max_open())};
}

absl::Duration Breaker::Wait(absl::Duration now) const {
  if (!open_) return absl::ZeroDuration();
  if (trial_ != 0) return absl::InfiniteDuration();
  return std::max(open_until_ - now, absl::ZeroDuration());
}

Breaker::State Breaker::state(absl::Duration now) const {
  if (!open_) return State::kClosed;
  return trial_ != 0 || now >= open_until_ ? State::kHalfOpen : State::kOpen;
}

void Breaker::OnBegin(PermitId permit) {
  if (open_) trial_ = permit;
}

bool Breaker::OnFirstOutput(PermitId permit, absl::Duration now) {
  if (trial_ != permit) return false;
  Close(now);
  return true;
}

bool Breaker::OnWell(PermitId permit, absl::Duration now) {
  const bool closes = OnFirstOutput(permit, now);
  if (open_ || permit < counted_from_) return closes;
  in_a_row_ = 0;
  ++At(now).calls;
  return closes;
}

void Breaker::OnFailed(PermitId permit, chat::v1::ErrorKind kind, absl::Duration now,
                       double jitter) {
  if (open_) {
    if (trial_ == permit) Open(kind, now, jitter);
    return;
  }
  if (permit < counted_from_) return;
  ++in_a_row_;
  ++At(now).calls;
  ++At(now).failures;
  if (VerdictOf(kind) == Verdict::kFailedForLong || TooManyFail(now)) Open(kind, now, jitter);
}

void Breaker::OnNothing(PermitId permit) {
  if (trial_ == permit) trial_ = 0;
}

void Breaker::Open(chat::v1::ErrorKind kind, absl::Duration now, double jitter) {
  const bool again = open_ || now - closed_at_ <= open_for_;
  open_for_ = again ? std::min(open_for_ * 2, options_.max_open) : options_.open;
  if (VerdictOf(kind) == Verdict::kFailedForLong) open_for_ = options_.max_open;
  open_until_ = now + open_for_ * (1 + kMaxJitter * jitter);
  open_ = true;
  trial_ = 0;
  cause_ = kind;
  ++openings_;
}

void Breaker::Close(absl::Duration now) {
  open_ = false;
  closed_at_ = now;
  counted_from_ = std::exchange(trial_, 0);
  in_a_row_ = 0;
  seconds_.fill({});
}

Breaker::Second& Breaker::At(absl::Duration now) {
  const int64_t number = absl::ToInt64Seconds(now);
  Second& second = seconds_[static_cast<size_t>(number % kSeconds)];
  if (second.number != number) second = {.number = number};
  return second;
}

bool Breaker::TooManyFail(absl::Duration now) {
  if (in_a_row_ >= options_.failures) return true;
  const int64_t newest = At(now).number;
  int64_t calls = 0;
  int64_t failures = 0;
  for (const Second& second : seconds_) {
    if (second.number <= newest - kSeconds) continue;
    calls += second.calls;
    failures += second.failures;
  }
  return calls >= kEnoughCalls &&
         static_cast<double>(failures) > options_.failure_share * static_cast<double>(calls);
}

}  // namespace penstock::dispatcher
