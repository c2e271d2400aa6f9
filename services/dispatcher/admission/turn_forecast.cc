#include "services/dispatcher/admission/turn_forecast.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace penstock::dispatcher {
namespace {

constexpr size_t kEnoughCalls = 5;
constexpr double kNewestWeight = 0.05;

}  // namespace

void TurnForecast::LearnCall(absl::string_view agent, absl::string_view model,
                             absl::Duration took) {
  MutexLock lock(mutex_);
  Known& known = known_[Key(std::string(agent), std::string(model))];
  known.calls[known.call_count++ % kCalls] = took;
  const size_t count = std::min(known.call_count, kCalls);
  if (count < kEnoughCalls) return;
  auto sorted = known.calls;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(count / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<ptrdiff_t>(count));
  known.median = *middle;
}

absl::Duration TurnForecast::CallTime(absl::string_view agent, absl::string_view model) const {
  MutexLock lock(mutex_);
  const auto known = known_.find(Key(std::string(agent), std::string(model)));
  return known == known_.end() ? absl::ZeroDuration() : known->second.median;
}

void TurnForecast::LearnTurn(absl::string_view agent, absl::string_view model, const Amount& took) {
  MutexLock lock(mutex_);
  Known& known = known_[Key(std::string(agent), std::string(model))];
  const double weight = std::exchange(known.any_turn, true) ? kNewestWeight : 1;
  known.tokens += weight * (static_cast<double>(took.tokens) - known.tokens);
  known.nano_usd += weight * (static_cast<double>(took.nano_usd) - known.nano_usd);
}

Amount TurnForecast::TurnAmount(absl::string_view agent, absl::string_view model,
                                const Amount& first) const {
  MutexLock lock(mutex_);
  const auto known = known_.find(Key(std::string(agent), std::string(model)));
  if (known == known_.end() || !known->second.any_turn) return first;
  return {std::llround(known->second.tokens), std::llround(known->second.nano_usd)};
}

}  // namespace penstock::dispatcher
