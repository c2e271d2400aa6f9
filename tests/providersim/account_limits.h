// The limits of one API key for one model, and what was charged to it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/providersim/limit_options.h"
#include "tests/providersim/limit_state.h"
#include "tests/providersim/limited_dimension.h"

namespace penstock::providersim {

// What a request asks for.
struct Demand {
  int64_t input_tokens = 0;
  // Its bound; the default one when the request sets none.
  int64_t max_output_tokens = 0;
};

// What an admitted request was charged.
struct OpenCharge {
  Demand demand = {};
  // Of the charges at admission, by dimension.
  std::array<ChargeId, kDimensions> ids = {};
  int64_t generated = 0;
};

// Less what was given back.
struct ChargedTotals {
  int64_t requests = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// A time before an earlier one counts as that one. Not thread-safe.
class AccountLimits {
 public:
  // See LimitedDimension::Scale for the factor.
  explicit AccountLimits(const LimitOptions& options, double factor = 1);

  // Fills `charge`, or says why the request does not fit; then nothing is charged. Of several
  // dimensions it names the one that takes longest.
  std::optional<LimitExceeded> Admit(Micros now, const Demand& demand, OpenCharge& charge);
  // So many output tokens of the request were generated since the last call.
  void Generate(Micros now, OpenCharge& charge, int64_t tokens);
  // Ends the request, once: with ChargeTime::kAdmission its output is put right.
  void Settle(Micros now, const OpenCharge& charge);

  // See LimitedDimension::Scale.
  void Scale(Micros now, double factor, bool silent);
  // By dimension.
  std::vector<LimitState> Stated(Micros now);
  const ChargedTotals& charged() const { return charged_; }
  // Requests that Admit refused.
  int64_t rate_limited() const { return rate_limited_; }

 private:
  // By dimension.
  using Counts = std::array<int64_t, kDimensions>;

  void AdvanceTo(Micros now);
  std::optional<LimitExceeded> FindExceeded(const Counts& needed) const;
  Counts ChargedAtAdmission(const Demand& demand) const;
  void ChargeOutput(int64_t tokens);
  void RefundOutput(const OpenCharge& charge, int64_t tokens);

  const ChargeTime charge_time_;
  std::array<std::optional<LimitedDimension>, kDimensions> dimensions_;
  Micros now_ = 0;
  ChargedTotals charged_;
  int64_t rate_limited_ = 0;
};

}  // namespace penstock::providersim
