#include "services/dispatcher/limits/output_forecast.h"

#include <algorithm>
#include <cmath>

namespace penstock::dispatcher {
namespace {

constexpr double kGain = 0.02;
constexpr double kDeviations = 2;

}  // namespace

void OutputForecast::Learn(int64_t output_tokens) {
  const auto output = static_cast<double>(output_tokens);
  if (mean_ < 0) {
    mean_ = output;
    deviation_ = output / 2;
    return;
  }
  deviation_ += kGain * (std::abs(output - mean_) - deviation_);
  mean_ += kGain * (output - mean_);
}

double OutputForecast::AtMost(int64_t bound) const {
  const auto most = static_cast<double>(bound);
  return mean_ < 0 ? most : std::min(most, mean_ + kDeviations * deviation_);
}

}  // namespace penstock::dispatcher
