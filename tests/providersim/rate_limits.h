// The rate limits of all accounts.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "tests/providersim/account_limits.h"
#include "tests/providersim/limit_options.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::providersim {

// Thread-safe. An account exists from its first request on, as if it had from the start with the
// limits of then.
class RateLimits {
 public:
  struct Account {
    Account(const LimitOptions& options, double factor) : limits(options, factor) {}

    Mutex mutex;
    AccountLimits limits ABSL_GUARDED_BY(mutex);
  };

  // Both outlive it.
  RateLimits(const LimitOptions& options, const Clock& clock);

  // False: nothing is limited, and there are no accounts.
  bool any() const { return options_.any(); }
  // For ever where it is.
  Account& AccountOf(absl::string_view api_key, absl::string_view model);
  // Since the start.
  Micros Now() const;
  absl::Time WallTime() const { return clock_.Now(); }

  // Multiplies all limits of the options, of accounts to come, too. See LimitedDimension::Scale.
  void Scale(double factor, bool silent);
  // "rate_limited":N,"charged":[...]: a key is named by its last four characters.
  std::string StatsFields() const;

 private:
  const LimitOptions& options_;
  const Clock& clock_;
  const absl::Duration start_;
  mutable Mutex mutex_;
  double factor_ ABSL_GUARDED_BY(mutex_) = 1;
  // What headers speak of.
  double stated_factor_ ABSL_GUARDED_BY(mutex_) = 1;
  // By key and model.
  mutable std::map<std::pair<std::string, std::string>, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::providersim
