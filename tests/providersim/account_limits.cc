#include "tests/providersim/account_limits.h"

#include <algorithm>

namespace penstock::providersim {
namespace {

constexpr Dimension kOutputDimensions[] = {Dimension::kTokens, Dimension::kOutputTokens};

constexpr size_t Index(Dimension dimension) { return static_cast<size_t>(dimension); }

int64_t LimitOf(Dimension dimension, const LimitOptions& options) {
  switch (dimension) {
    case Dimension::kRequests:
      return options.requests;
    case Dimension::kTokens:
      return options.tokens;
    case Dimension::kInputTokens:
      return options.input_tokens;
    case Dimension::kOutputTokens:
      return options.output_tokens;
  }
  return 0;
}

}  // namespace

AccountLimits::AccountLimits(const LimitOptions& options, double factor)
    : charge_time_(options.charge) {
  for (size_t i = 0; i < kDimensions; ++i) {
    const auto dimension = static_cast<Dimension>(i);
    const int64_t limit = LimitOf(dimension, options);
    if (limit > 0) dimensions_[i].emplace(dimension, limit, factor, options);
  }
}

void AccountLimits::AdvanceTo(Micros now) {
  now_ = std::max(now_, now);
  for (auto& dimension : dimensions_) {
    if (dimension) dimension->AdvanceTo(now_);
  }
}

AccountLimits::Counts AccountLimits::ChargedAtAdmission(const Demand& demand) const {
  const bool bound = charge_time_ == ChargeTime::kAdmission;
  const int64_t output = bound ? demand.max_output_tokens : 0;
  Counts counts;
  counts[Index(Dimension::kRequests)] = 1;
  counts[Index(Dimension::kTokens)] = demand.input_tokens + output;
  counts[Index(Dimension::kInputTokens)] = demand.input_tokens;
  counts[Index(Dimension::kOutputTokens)] = output;
  return counts;
}

std::optional<LimitExceeded> AccountLimits::Admit(Micros now, const Demand& demand,
                                                  OpenCharge& charge) {
  AdvanceTo(now);
  const Counts charged = ChargedAtAdmission(demand);
  Counts needed = charged;
  // Not exhausted: the next token fits.
  for (int64_t& count : needed) count = std::max<int64_t>(1, count);
  if (auto exceeded = FindExceeded(needed)) {
    ++rate_limited_;
    return exceeded;
  }
  charge = {.demand = demand};
  for (size_t i = 0; i < kDimensions; ++i) {
    if (dimensions_[i]) charge.ids[i] = dimensions_[i]->Charge(charged[i]);
  }
  ++charged_.requests;
  charged_.input_tokens += demand.input_tokens;
  charged_.output_tokens += charged[Index(Dimension::kOutputTokens)];
  return std::nullopt;
}

std::optional<LimitExceeded> AccountLimits::FindExceeded(const Counts& needed) const {
  std::optional<LimitExceeded> exceeded;
  const auto name = [&](const LimitedDimension& dimension, int64_t requested) {
    exceeded = {.dimension = dimension.dimension(),
                .limit = dimension.limit(),
                .remaining = dimension.remaining(),
                .requested = requested};
  };
  for (size_t i = 0; i < kDimensions; ++i) {
    if (!dimensions_[i] || needed[i] <= dimensions_[i]->limit()) continue;
    name(*dimensions_[i], needed[i]);
    return exceeded;
  }
  // What fits in one dimension may have lapsed by the time it fits in another.
  Micros fit = now_;
  for (bool later = true; later;) {
    later = false;
    for (size_t i = 0; i < kDimensions; ++i) {
      const Micros first = dimensions_[i] ? dimensions_[i]->FirstFit(fit, needed[i]) : fit;
      if (first == fit) continue;
      name(*dimensions_[i], needed[i]);
      fit = first;
      later = true;
    }
  }
  if (exceeded) exceeded->retry_after = fit - now_;
  return exceeded;
}

void AccountLimits::Generate(Micros now, OpenCharge& charge, int64_t tokens) {
  charge.generated += tokens;
  if (charge_time_ == ChargeTime::kAdmission) return;
  AdvanceTo(now);
  ChargeOutput(tokens);
}

void AccountLimits::Settle(Micros now, const OpenCharge& charge) {
  if (charge_time_ == ChargeTime::kGenerated) return;
  AdvanceTo(now);
  const int64_t unused = charge.demand.max_output_tokens - charge.generated;
  if (unused > 0) RefundOutput(charge, unused);
  if (unused < 0) ChargeOutput(-unused);
}

void AccountLimits::ChargeOutput(int64_t tokens) {
  for (Dimension dimension : kOutputDimensions) {
    if (auto& limited = dimensions_[Index(dimension)]) limited->Charge(tokens);
  }
  charged_.output_tokens += tokens;
}

void AccountLimits::RefundOutput(const OpenCharge& charge, int64_t tokens) {
  bool lapsed = false;
  for (Dimension dimension : kOutputDimensions) {
    auto& limited = dimensions_[Index(dimension)];
    if (limited && !limited->Refund(charge.ids[Index(dimension)], tokens)) lapsed = true;
  }
  if (!lapsed) charged_.output_tokens -= tokens;
}

void AccountLimits::Scale(Micros now, double factor, bool silent) {
  AdvanceTo(now);
  for (auto& dimension : dimensions_) {
    if (dimension) dimension->Scale(factor, silent);
  }
}

std::vector<LimitState> AccountLimits::Stated(Micros now) {
  AdvanceTo(now);
  std::vector<LimitState> states;
  for (const auto& dimension : dimensions_) {
    if (dimension) states.push_back(dimension->Stated());
  }
  return states;
}

}  // namespace penstock::providersim
