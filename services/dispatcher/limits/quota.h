// What a provider allows a lane to take, in every dimension that it limits, and what has been
// reserved of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "penstock/config/v1/config.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/dispatcher/limits/lane_limiter.h"
#include "services/dispatcher/limits/rate_window.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

enum class Dimension : uint8_t { kRequests, kTokens, kInputTokens, kOutputTokens };
inline constexpr size_t kDimensions = 4;

// By Dimension.
using Amounts = std::array<double, kDimensions>;

// "input tokens".
absl::string_view NameOf(Dimension dimension);

// A pure state machine on the clock of its caller.
class Quota {
 public:
  Quota(const config::v1::Limits& limits, absl::Duration now);

  // A dimension in which so much can never be taken at once, at a factor of 1, and how much could.
  struct TooMuch {
    Dimension dimension;
    double needed;
    double allowed;
  };
  std::optional<TooMuch> NeverFits(const Amounts& amounts) const;
  // How often a second so much may be taken; infinity: nothing that it takes is limited.
  double PerSecond(const Amounts& amounts) const;

  // How long until so much may be reserved if nothing else happens; zero: now.
  absl::Duration TimeTo(const Amounts& amounts, absl::Duration now);
  // How often so much may be reserved now, and the dimension that allows no more; infinity: nothing
  // that it takes is limited.
  struct Fit {
    double times;
    Dimension dimension;
  };
  Fit FitOf(const Amounts& amounts, absl::Duration now);
  // Of `amounts`, `refundable` may come back.
  void Reserve(PermitId permit, const Amounts& amounts, const Amounts& refundable,
               absl::Duration now);

  // A reservation ends, having taken so much. One that is not known: nothing.
  void Settle(PermitId permit, const Amounts& actual, absl::Duration now);
  // All that was reserved was taken.
  void SettleInFull(PermitId permit, absl::Duration now);

  // What the provider has just said in its answer to the call of `permit`: what is left, and its
  // limits. It counts when it is less than we think.
  void Learn(PermitId permit, const provider::v1::RateLimits& said, absl::Duration now);
  // The provider refused a call: nothing is available now, in any dimension.
  void Empty(absl::Duration now);
  // Of all allowances, above 0, at most 1.
  void SetFactor(double factor, absl::Duration now);
  double factor() const { return factor_; }

 private:
  struct Allowance {
    // Null: not limited.
    std::unique_ptr<RateWindow> window;
    double configured = 0;
    std::optional<double> stated;
  };
  using Charges = std::array<Charge, kDimensions>;

  void LearnOne(Dimension dimension, const Charges& charges,
                const provider::v1::RateLimits::Allowance& said, absl::Duration now);
  // A minute, the factor applied.
  double Known(const Allowance& allowance) const;
  void Apply(Allowance& allowance, absl::Duration now) const;

  std::array<Allowance, kDimensions> allowances_;
  double factor_ = 1;
  absl::flat_hash_map<PermitId, Charges> held_;
};

}  // namespace penstock::dispatcher
