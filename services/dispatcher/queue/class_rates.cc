#include "services/dispatcher/queue/class_rates.h"

#include <algorithm>
#include <cmath>

namespace penstock::dispatcher {
namespace {

// So much of an unused floor is made up for, and so much of a cap may be used at once.
constexpr absl::Duration kBurst = absl::Seconds(1);
constexpr absl::Duration kMean = absl::Seconds(10);

}  // namespace

std::optional<absl::Duration> ClassRates::Owed(chat::v1::TurnClass turn_class,
                                               absl::Duration now) const {
  if (shares_[turn_class].floor <= 0) return std::nullopt;
  const double rate = Served(now);
  const double behind = total_ - std::max(tags_[turn_class].floor, total_ - Burst(now));
  if (rate <= 0 || behind <= 0) return std::nullopt;
  return now - absl::Seconds(behind / rate);
}

bool ClassRates::OverCap(chat::v1::TurnClass turn_class, absl::Duration now) const {
  return CapEnds(turn_class) > now;
}

absl::Duration ClassRates::CapEnds(chat::v1::TurnClass turn_class) const {
  if (rate_ <= 0 || shares_[turn_class].cap >= 1) return absl::ZeroDuration();
  return tags_[turn_class].cap - kBurst;
}

void ClassRates::Charge(chat::v1::TurnClass turn_class, double cost, absl::Duration now) {
  Book(turn_class, cost, now);
  total_ += cost;
  served_ = Served(now) + cost / absl::ToDoubleSeconds(kMean);
  served_at_ = now;
}

void ClassRates::Correct(chat::v1::TurnClass turn_class, double difference, absl::Duration now) {
  Book(turn_class, difference, now);
  total_ += difference;
  served_ = std::max(0.0, Served(now) + difference / absl::ToDoubleSeconds(kMean));
  served_at_ = now;
}

void ClassRates::Book(chat::v1::TurnClass turn_class, double cost, absl::Duration now) {
  const ClassShare& share = shares_[turn_class];
  Tags& tags = tags_[turn_class];
  if (share.floor > 0) {
    tags.floor = std::max(tags.floor, total_ - Burst(now)) + cost / share.floor;
  }
  if (share.cap < 1 && rate_ > 0) {
    tags.cap = std::max(tags.cap, now) + absl::Seconds(cost / (share.cap * rate_));
  }
}

double ClassRates::Burst(absl::Duration now) const {
  return Served(now) * absl::ToDoubleSeconds(kBurst);
}

double ClassRates::Served(absl::Duration now) const {
  return served_ * std::exp(-absl::FDivDuration(now - served_at_, kMean));
}

}  // namespace penstock::dispatcher
