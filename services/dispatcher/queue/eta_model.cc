#include "services/dispatcher/queue/eta_model.h"

#include <algorithm>
#include <cmath>

namespace penstock::dispatcher {
namespace {

// Weight of the newest value in an exponentially weighted mean.
constexpr double kServiceWeight = 0.05;
constexpr int64_t kMinGaps = 8;
// What is left of the gaps before, at least, when a new one is added.
constexpr double kMinGapMemory = 0.95;
constexpr double kMaxShareAbove = 0.95;
constexpr double kNormalP90 = 1.2816;

// A plain mean of the first ones, so that a prior never counts.
double Blend(double mean, double newest, int64_t seen_before, double weight) {
  const double share = std::max(weight, 1.0 / static_cast<double>(seen_before + 1));
  return mean + share * (newest - mean);
}

absl::Duration GammaQuantile(double starts, double gap_seconds, double z) {
  const double root = 1 - 1 / (9 * starts) + z / (3 * std::sqrt(starts));
  return absl::Seconds(gap_seconds * starts * root * root * root);
}

}  // namespace

void DecayingRate::Add(absl::Duration now, int64_t events) {
  rate_ = PerSecond(now) + static_cast<double>(events) / absl::ToDoubleSeconds(time_constant_);
  at_ = now;
}

double DecayingRate::PerSecond(absl::Duration now) const {
  return rate_ *
         std::exp(-absl::FDivDuration(std::max(now - at_, absl::ZeroDuration()), time_constant_));
}

void EtaModel::OnEnter(chat::v1::TurnClass turn_class, absl::Duration now) {
  Arrivals& arrivals = arrivals_[static_cast<size_t>(turn_class)];
  arrivals.lately.Add(now);
  arrivals.of_a_minute.Add(now);
}

void EtaModel::OnStart(bool backlogged, absl::Duration now) {
  starts_.Add(now);
  if (was_backlogged_) {
    const absl::Duration gap = now - last_start_;
    const double kept = std::max(std::exp(-absl::FDivDuration(gap, kTimeConstant)), kMinGapMemory);
    backlogged_seconds_ = kept * backlogged_seconds_ + absl::ToDoubleSeconds(gap);
    backlogged_starts_ = kept * backlogged_starts_ + 1;
    ++gaps_;
  }
  was_backlogged_ = backlogged;
  last_start_ = now;
}

void EtaModel::OnEnd(absl::Duration service) {
  service_seconds_ =
      Blend(service_seconds_, absl::ToDoubleSeconds(service), services_, kServiceWeight);
  ++services_;
}

double EtaModel::StartsPerSecond(int64_t concurrency, absl::Duration now) const {
  if (was_backlogged_ && gaps_ >= kMinGaps) return 1 / std::max(Gap(concurrency), 1e-6);
  const double possible = static_cast<double>(concurrency) / std::max(service_seconds_, 1e-3);
  return std::max(starts_.PerSecond(now), possible);
}

Eta EtaModel::Estimate(chat::v1::TurnClass turn_class, int64_t position, int64_t free,
                       int64_t concurrency, absl::Duration now) const {
  const int64_t starts = position - free;
  if (starts <= 0) return {absl::ZeroDuration(), absl::ZeroDuration()};
  const double gap = Gap(concurrency);
  const double share_above = std::min(ArrivalsAbove(turn_class, now) * gap, kMaxShareAbove);
  const double stretched = gap / (1 - share_above);
  const double n = static_cast<double>(starts);
  return {GammaQuantile(n, stretched, 0), GammaQuantile(n, stretched, kNormalP90)};
}

Eta EtaModel::Serial(int64_t calls) const {
  if (calls <= 0) return {absl::ZeroDuration(), absl::ZeroDuration()};
  const double n = static_cast<double>(calls);
  return {GammaQuantile(n, service_seconds_, 0), GammaQuantile(n, service_seconds_, kNormalP90)};
}

double EtaModel::Gap(int64_t concurrency) const {
  if (gaps_ >= kMinGaps) return backlogged_seconds_ / backlogged_starts_;
  return service_seconds_ / static_cast<double>(std::max<int64_t>(concurrency, 1));
}

double EtaModel::ArrivalsAbove(chat::v1::TurnClass turn_class, absl::Duration now) const {
  double sum = 0;
  for (size_t above = 0; above < static_cast<size_t>(turn_class); ++above) {
    sum += std::min(arrivals_[above].lately.PerSecond(now),
                    arrivals_[above].of_a_minute.PerSecond(now));
  }
  return sum;
}

}  // namespace penstock::dispatcher
