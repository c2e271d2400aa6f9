#include "services/dispatcher/limits/rate_limiter.h"

#include <algorithm>

#include "libs/base/refusal.h"

#include "absl/strings/str_format.h"

namespace penstock::dispatcher {
namespace {

constexpr double kMeanWeight = 1.0 / 64;

Amounts Of(double input_tokens, double output_tokens) {
  return {1, input_tokens + output_tokens, input_tokens, output_tokens};
}

v1::Hold HoldOf(Dimension dimension) {
  switch (dimension) {
    case Dimension::kRequests:
      return v1::REQUESTS;
    case Dimension::kTokens:
      return v1::TOKENS;
    case Dimension::kInputTokens:
      return v1::INPUT_TOKENS;
    case Dimension::kOutputTokens:
      return v1::OUTPUT_TOKENS;
  }
  return v1::HOLD_UNSPECIFIED;
}

}  // namespace

RateLimiter::RateLimiter(const config::v1::Model& model, absl::Duration now)
    : output_counted_as_generated_(model.limits().output_counted() == "GENERATED"),
      cached_input_weight_(model.limits().cached_input_weight()),
      quota_(model.limits(), now),
      concurrency_(model.concurrency()) {}

Amounts RateLimiter::AmountsOf(const CallSize& call) const {
  const double output = output_counted_as_generated_ ? forecast_.AtMost(call.output_tokens)
                                                     : static_cast<double>(call.output_tokens);
  return Of(static_cast<double>(call.input_tokens), output);
}

Amounts RateLimiter::Refundable(const Amounts& amounts) {
  const double output = amounts[static_cast<size_t>(Dimension::kOutputTokens)];
  return {0, output, 0, output};
}

Amounts RateLimiter::AmountsOf(const Amounts& reserved, const chat::v1::Usage& actual) const {
  const double input = actual.has_input_tokens()
                           ? static_cast<double>(actual.input_tokens())
                           : reserved[static_cast<size_t>(Dimension::kInputTokens)];
  const double output = actual.has_output_tokens()
                            ? static_cast<double>(actual.output_tokens())
                            : reserved[static_cast<size_t>(Dimension::kOutputTokens)];
  const double from_cache =
      (1 - cached_input_weight_) * static_cast<double>(actual.cache_read_input_tokens());
  return Of(input - from_cache, output);
}

absl::Status RateLimiter::CheckPossible(const CallSize& call) const {
  const auto too_much = quota_.NeverFits(AmountsOf(call));
  if (!too_much) return absl::OkStatus();
  return Refusal(
             absl::StatusCode::kInvalidArgument, "IMPOSSIBLE_COST",
             absl::StrFormat("the call needs %.0f %s at once, and the model's limits allow at most "
                             "%.0f: shorten the context or the answer (max_output_tokens), or "
                             "raise the limit",
                             too_much->needed, NameOf(too_much->dimension), too_much->allowed))
      .With("field", NameOf(too_much->dimension))
      .With("found", absl::StrFormat("%.0f", too_much->needed))
      .With("allowed", absl::StrFormat("%.0f", too_much->allowed));
}

absl::Duration RateLimiter::Reserve(PermitId permit, const CallSize& call, absl::Duration now) {
  quota_.SetFactor(throttle_.Factor(now), now);
  if (in_flight() >= concurrency()) return absl::InfiniteDuration();
  const Amounts amounts = AmountsOf(call);
  const absl::Duration wait = std::max(
      throttle_.PauseLeft(now), std::min(quota_.TimeTo(amounts, now), throttle_.TimeToClimb(now)));
  if (wait > absl::ZeroDuration()) return wait;
  quota_.Reserve(permit, amounts, Refundable(amounts), now);
  calls_.emplace(permit, Call{amounts, now});
  return absl::ZeroDuration();
}

Room RateLimiter::RoomFor(const CallSize& call, absl::Duration now) {
  if (throttle_.PauseLeft(now) > absl::ZeroDuration()) return {.calls = 0, .held_by = v1::PAUSE};
  quota_.SetFactor(throttle_.Factor(now), now);
  const int64_t slots = std::max<int64_t>(concurrency() - in_flight(), 0);
  const Quota::Fit fit = quota_.FitOf(AmountsOf(call), now);
  if (fit.times >= static_cast<double>(slots)) {
    return {.calls = slots, .held_by = v1::CONCURRENCY};
  }
  return {.calls = static_cast<int64_t>(fit.times), .held_by = HoldOf(fit.dimension)};
}

void RateLimiter::Answered(PermitId permit, const provider::v1::RateLimits& said,
                           absl::Duration now) {
  if (calls_.contains(permit)) quota_.Learn(permit, said, now);
}

void RateLimiter::FirstOutput(PermitId permit, absl::Duration now) {
  const auto call = calls_.find(permit);
  if (call == calls_.end()) return;
  concurrency_.OnFirstOutput(now - call->second.permitted, in_flight() >= concurrency());
}

void RateLimiter::Overloaded(PermitId permit, absl::Duration /*now*/) {
  if (calls_.contains(permit)) concurrency_.OnOverload();
}

void RateLimiter::Settle(PermitId permit, const chat::v1::Usage& actual, absl::Duration now) {
  const auto call = calls_.find(permit);
  if (call == calls_.end()) return;
  if (actual.has_output_tokens()) forecast_.Learn(actual.output_tokens());
  const Amounts took = AmountsOf(call->second.reserved, actual);
  const double weight = mean_[0] > 0 ? kMeanWeight : 1;
  for (size_t i = 0; i < kDimensions; ++i) mean_[i] += (took[i] - mean_[i]) * weight;
  quota_.Settle(permit, took, now);
  calls_.erase(call);
}

double RateLimiter::calls_per_second() const { return mean_[0] > 0 ? quota_.PerSecond(mean_) : 0; }

void RateLimiter::GiveBack(PermitId permit, absl::Duration now) {
  quota_.Settle(permit, Amounts{}, now);
  calls_.erase(permit);
}

void RateLimiter::Refused(PermitId permit, std::optional<absl::Duration> retry_after,
                          const provider::v1::RateLimits& said, absl::Duration now) {
  const auto call = calls_.find(permit);
  if (call == calls_.end()) return;
  throttle_.OnRefused(retry_after, call->second.permitted, now);
  quota_.Learn(permit, said, now);
  GiveBack(permit, now);
  quota_.Empty(now);
}

void RateLimiter::Expire(PermitId permit, absl::Duration now) {
  quota_.SettleInFull(permit, now);
  calls_.erase(permit);
}

}  // namespace penstock::dispatcher
