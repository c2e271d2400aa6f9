#include "tests/providersim/rate_limits.h"

#include "tests/providersim/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

std::string NameOfKey(absl::string_view key) {
  return key.size() <= 4 ? std::string(key) : absl::StrCat("...", key.substr(key.size() - 4));
}

}  // namespace

RateLimits::RateLimits(const LimitOptions& options, const Clock& clock)
    : options_(options), clock_(clock), start_(clock.Monotonic()) {}

Micros RateLimits::Now() const { return absl::ToInt64Microseconds(clock_.Monotonic() - start_); }

RateLimits::Account& RateLimits::AccountOf(absl::string_view api_key, absl::string_view model) {
  MutexLock lock(mutex_);
  const auto [entry, is_new] =
      accounts_.try_emplace({std::string(api_key), std::string(model)}, options_, stated_factor_);
  Account& account = entry->second;
  if (is_new && factor_ != stated_factor_) {
    MutexLock account_lock(account.mutex);
    account.limits.Scale(0, factor_, true);
  }
  return account;
}

void RateLimits::Scale(double factor, bool silent) {
  MutexLock lock(mutex_);
  factor_ = factor;
  if (!silent) stated_factor_ = factor;
  const Micros now = Now();
  for (auto& [name, account] : accounts_) {
    MutexLock account_lock(account.mutex);
    account.limits.Scale(now, factor, silent);
  }
}

std::string RateLimits::StatsFields() const {
  MutexLock lock(mutex_);
  int64_t rate_limited = 0;
  std::string charged;
  for (auto& [name, account] : accounts_) {
    MutexLock account_lock(account.mutex);
    const ChargedTotals& totals = account.limits.charged();
    rate_limited += account.limits.rate_limited();
    absl::StrAppend(
        &charged, charged.empty() ? "" : ",", "{\"account\":", JsonString(NameOfKey(name.first)),
        ",\"model\":", JsonString(name.second), ",\"requests\":", totals.requests,
        ",\"input_tokens\":", totals.input_tokens, ",\"output_tokens\":", totals.output_tokens,
        ",\"rate_limited\":", account.limits.rate_limited(), "}");
  }
  return absl::StrCat("\"rate_limited\":", rate_limited, ",\"charged\":[", charged, "]");
}

}  // namespace penstock::providersim
