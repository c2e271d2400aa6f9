#include "services/dispatcher/turn/token_estimator.h"

#include <algorithm>

namespace penstock::dispatcher {
namespace {

constexpr int64_t kMinTeachingTokens = 32;
constexpr double kNewestWeight = 0.1;
constexpr double kMinFactor = 0.5;
constexpr double kMaxFactor = 3;

}  // namespace

double TokenEstimator::Factor(absl::string_view model) const {
  MutexLock lock(mutex_);
  const auto factor = factors_.find(model);
  return factor == factors_.end() ? 1 : factor->second;
}

void TokenEstimator::Learn(absl::string_view model, int64_t raw_tokens, int64_t reported_tokens) {
  if (raw_tokens < kMinTeachingTokens || reported_tokens <= 0) return;
  const double ratio =
      std::clamp(static_cast<double>(reported_tokens) / static_cast<double>(raw_tokens), kMinFactor,
                 kMaxFactor);
  MutexLock lock(mutex_);
  const auto [factor, first] = factors_.try_emplace(model, ratio);
  if (!first) factor->second += kNewestWeight * (ratio - factor->second);
}

}  // namespace penstock::dispatcher
