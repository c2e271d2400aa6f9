#include "services/dispatcher/limits/quota.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "services/dispatcher/limits/bucket_window.h"
#include "services/dispatcher/limits/minute_window.h"
#include "services/dispatcher/limits/sliding_window.h"

namespace penstock::dispatcher {
namespace {

// Providers round what they have; fractions of a request they do not count.
constexpr Amounts kRounding = {0.01, 1, 1, 1};

std::unique_ptr<RateWindow> WindowOf(const config::v1::Limits& limits, double per_minute,
                                     absl::Duration now) {
  if (per_minute <= 0) return nullptr;
  if (limits.renewal() == "SLIDING") return std::make_unique<SlidingWindow>(per_minute, now);
  if (limits.renewal() == "FIXED") return std::make_unique<MinuteWindow>(per_minute, now);
  return std::make_unique<BucketWindow>(per_minute, now);
}

constexpr size_t Index(Dimension dimension) { return static_cast<size_t>(dimension); }

}  // namespace

absl::string_view NameOf(Dimension dimension) {
  switch (dimension) {
    case Dimension::kRequests:
      return "requests";
    case Dimension::kTokens:
      return "tokens";
    case Dimension::kInputTokens:
      return "input tokens";
    case Dimension::kOutputTokens:
      return "output tokens";
  }
  return "tokens";
}

Quota::Quota(const config::v1::Limits& limits, absl::Duration now) {
  const std::array<int64_t, kDimensions> per_minute = {
      limits.requests_per_minute(), limits.tokens_per_minute(), limits.input_tokens_per_minute(),
      limits.output_tokens_per_minute()};
  for (size_t i = 0; i < kDimensions; ++i) {
    allowances_[i].configured = static_cast<double>(per_minute[i]);
    allowances_[i].window = WindowOf(limits, allowances_[i].configured, now);
  }
}

std::optional<Quota::TooMuch> Quota::NeverFits(const Amounts& amounts) const {
  for (size_t i = 0; i < kDimensions; ++i) {
    const auto& window = allowances_[i].window;
    if (!window) continue;
    const double most = window->capacity() / factor_ - kRounding[i];
    if (amounts[i] > most) return TooMuch{static_cast<Dimension>(i), amounts[i], most};
  }
  return std::nullopt;
}

double Quota::PerSecond(const Amounts& amounts) const {
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < kDimensions; ++i) {
    if (!allowances_[i].window || amounts[i] <= 0) continue;
    least = std::min(least, Known(allowances_[i]) / amounts[i] / 60);
  }
  return least;
}

absl::Duration Quota::TimeTo(const Amounts& amounts, absl::Duration now) {
  absl::Duration wait = absl::ZeroDuration();
  for (size_t i = 0; i < kDimensions; ++i) {
    const auto& window = allowances_[i].window;
    if (window) wait = std::max(wait, window->TimeTo(amounts[i] + kRounding[i], now));
  }
  return wait;
}

Quota::Fit Quota::FitOf(const Amounts& amounts, absl::Duration now) {
  Fit fit{.times = std::numeric_limits<double>::infinity(), .dimension = Dimension::kRequests};
  for (size_t i = 0; i < kDimensions; ++i) {
    const auto& window = allowances_[i].window;
    if (!window || amounts[i] <= 0) continue;
    const double left = std::max(window->Available(now) - kRounding[i], 0.0);
    const double times = std::floor(left / amounts[i]);
    if (times < fit.times) fit = {.times = times, .dimension = static_cast<Dimension>(i)};
  }
  return fit;
}

void Quota::Reserve(PermitId permit, const Amounts& amounts, const Amounts& refundable,
                    absl::Duration now) {
  Charges& charges = held_[permit];
  for (size_t i = 0; i < kDimensions; ++i) {
    charges[i] = {.amount = amounts[i], .refundable = refundable[i], .at = now};
    if (allowances_[i].window) allowances_[i].window->Take(charges[i]);
  }
}

void Quota::Settle(PermitId permit, const Amounts& actual, absl::Duration now) {
  const auto found = held_.find(permit);
  if (found == held_.end()) return;
  for (size_t i = 0; i < kDimensions; ++i) {
    if (allowances_[i].window) allowances_[i].window->Correct(found->second[i], actual[i], now);
  }
  if (PENSTOCK_PLANTED_BUG("planted.refund_twice") && allowances_[1].window) {
    allowances_[1].window->Correct(found->second[1], actual[1], now);
  }
  held_.erase(found);
}

void Quota::SettleInFull(PermitId permit, absl::Duration now) {
  const auto found = held_.find(permit);
  if (found == held_.end()) return;
  Amounts all;
  for (size_t i = 0; i < kDimensions; ++i) all[i] = found->second[i].amount;
  Settle(permit, all, now);
}

void Quota::Learn(PermitId permit, const provider::v1::RateLimits& said, absl::Duration now) {
  const auto found = held_.find(permit);
  if (found == held_.end()) return;
  const Charges& charges = found->second;
  LearnOne(Dimension::kRequests, charges, said.requests(), now);
  LearnOne(Dimension::kTokens, charges, said.tokens(), now);
  LearnOne(Dimension::kInputTokens, charges, said.input_tokens(), now);
  LearnOne(Dimension::kOutputTokens, charges, said.output_tokens(), now);
}

void Quota::LearnOne(Dimension dimension, const Charges& charges,
                     const provider::v1::RateLimits::Allowance& said, absl::Duration now) {
  Allowance& allowance = allowances_[Index(dimension)];
  if (!allowance.window) return;
  if (said.has_limit() && said.limit() > 0) {
    allowance.stated = static_cast<double>(said.limit());
    Apply(allowance, now);
  }
  const absl::Duration reset = FromProto(said.reset());
  if (reset > absl::ZeroDuration()) {
    allowance.window->LearnMinuteEnd(reset, charges[Index(dimension)].at, now);
  }
  if (said.has_remaining()) {
    allowance.window->Lower(static_cast<double>(said.remaining()), now);
  }
}

void Quota::Empty(absl::Duration now) {
  for (Allowance& allowance : allowances_) {
    if (allowance.window) allowance.window->Lower(0, now);
  }
}

void Quota::SetFactor(double factor, absl::Duration now) {
  if (factor == factor_) return;
  factor_ = factor;
  for (Allowance& allowance : allowances_) {
    if (allowance.window) Apply(allowance, now);
  }
}

double Quota::Known(const Allowance& allowance) const {
  return factor_ * std::min(allowance.configured, allowance.stated.value_or(allowance.configured));
}

void Quota::Apply(Allowance& allowance, absl::Duration now) const {
  allowance.window->SetAllowance(Known(allowance), now);
}

}  // namespace penstock::dispatcher
