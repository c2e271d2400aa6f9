#include "tests/providersim/admission.h"

namespace penstock::providersim {

std::optional<LimitExceeded> Admission::Ask(absl::string_view api_key, absl::string_view model,
                                            const Demand& demand) {
  prompt_tokens_ = demand.input_tokens;
  if (!limits_.any()) return std::nullopt;
  account_ = &limits_.AccountOf(api_key, model);
  OpenCharge charge;
  MutexLock lock(account_->mutex);
  if (auto exceeded = account_->limits.Admit(limits_.Now(), demand, charge)) return exceeded;
  charge_ = charge;
  return std::nullopt;
}

void Admission::Generated(int64_t tokens) {
  if (!charge_ || tokens <= charge_->generated) return;
  MutexLock lock(account_->mutex);
  account_->limits.Generate(limits_.Now(), *charge_, tokens - charge_->generated);
}

void Admission::Settle() {
  if (!charge_) return;
  MutexLock lock(account_->mutex);
  account_->limits.Settle(limits_.Now(), *charge_);
  charge_.reset();
}

std::string Admission::Headers() const {
  const absl::Time now = limits_.WallTime();
  if (!limits_.any()) return format_.IdleLimitHeaders(prompt_tokens_, now);
  if (account_ == nullptr) return "";
  MutexLock lock(account_->mutex);
  return format_.LimitHeaders(account_->limits.Stated(limits_.Now()), now);
}

}  // namespace penstock::providersim
