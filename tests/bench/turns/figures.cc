#include "tests/bench/turns/figures.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace penstock::bench {
namespace {

double Milliseconds(SteadyClock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// The nearest rank.
boost::json::object Quantiles(std::vector<double> values) {
  boost::json::object found;
  if (values.empty()) return found;
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  for (const auto& [name, share] : {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}}) {
    const double rank = std::max(1.0, std::ceil(share * count));
    found[name] = std::round(values[static_cast<size_t>(rank) - 1] * 1000) / 1000;
  }
  found["max"] = std::round(values.back() * 1000) / 1000;
  return found;
}

}  // namespace

void Figures::Add(const Outcome& outcome) {
  MutexLock lock(mutex_);
  ++all_;
  if (!outcome.error.empty()) {
    ++errors_[outcome.error];
    return;
  }
  if (outcome.end >= from_ && outcome.end < to_) ++ended_;
  if (outcome.due < from_ || outcome.due >= to_) return;
  total_ms_.push_back(Milliseconds(outcome.end - outcome.due));
  if (outcome.first_token) {
    first_token_ms_.push_back(Milliseconds(*outcome.first_token - outcome.due));
  }
}

boost::json::object Figures::ToJson() const {
  MutexLock lock(mutex_);
  boost::json::object errors;
  for (const auto& [reason, count] : errors_) errors[reason] = count;
  const double seconds = Milliseconds(to_ - from_) / 1000;
  return {{"turns_per_second", std::round(static_cast<double>(ended_) / seconds * 10) / 10},
          {"seconds", seconds},
          {"turns", ended_},
          {"turns_with_warm_up", all_},
          {"total_ms", Quantiles(total_ms_)},
          {"first_token_ms", Quantiles(first_token_ms_)},
          {"errors", std::move(errors)}};
}

}  // namespace penstock::bench
