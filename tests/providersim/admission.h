// One request before the limits of its account: admitted or not, charged, settled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/providersim/rate_limits.h"
#include "tests/providersim/wire_format.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// One thread at a time. Without limits everything is admitted and nothing charged.
class Admission {
 public:
  Admission(RateLimits& limits, const WireFormat& format) : limits_(limits), format_(format) {}
  // Settles.
  ~Admission() { Settle(); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Once. Nothing when the request is admitted; else why it is not.
  std::optional<LimitExceeded> Ask(absl::string_view api_key, absl::string_view model,
                                   const Demand& demand);
  // So many output tokens were generated, in all.
  void Generated(int64_t tokens);
  // Gives back what was not generated; nothing may be generated then. Again: no effect.
  void Settle();
  // Header lines for an answer that is sent now: of the account that was asked; when none was,
  // those of an idle one without limits, and none with limits.
  std::string Headers() const;

 private:
  RateLimits& limits_;
  const WireFormat& format_;
  RateLimits::Account* account_ = nullptr;
  // Not when the request was refused, or is settled.
  std::optional<OpenCharge> charge_;
  int64_t prompt_tokens_ = 0;
};

}  // namespace penstock::providersim
