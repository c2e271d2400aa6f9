// How much a call may generate, where the provider counts what it generates.
#pragma once

#include <cstdint>

namespace penstock::dispatcher {

// Exponential mean and mean deviation over about 100 answers (the estimator of TCP's round trip
// time; Jacobson, 1988). A value.
class OutputForecast {
 public:
  void Learn(int64_t output_tokens);
  // The mean and two deviations, at most `bound`; `bound` until something was learnt.
  double AtMost(int64_t bound) const;

 private:
  double mean_ = -1;
  double deviation_ = 0;
};

}  // namespace penstock::dispatcher
