#include "services/dispatcher/queue/class_rates.h"

#include <algorithm>
#include <cmath>

namespace penstock::dispatcher {
namespace {

// So much of an unused floor is made up for, and so much of a cap may be used at once.
constexpr absl::Duration kBurst = absl::Seconds(1);
constexpr absl::Duration kMean = absl::Seconds(10);
// A mean over less would be of single calls.
constexpr absl::Duration kLeastSeen = absl::Seconds(1);

}  // namespace

std::optional<absl::Duration> ClassRates::Owed(chat::v1::TurnClass turn_class,
                                               absl::Duration now) const {
  if (shares_[turn_class].floor <= 0 || Rate(now) <= 0) return std::nullopt;
  const absl::Duration tag = std::max(tags_[turn_class].floor, now - kBurst);
  if (tag > now) return std::nullopt;
  return tag;
}

bool ClassRates::OverCap(chat::v1::TurnClass turn_class, absl::Duration now) const {
  return CapEnds(turn_class) > now;
}

absl::Duration ClassRates::CapEnds(chat::v1::TurnClass turn_class) const {
  if (known_rate_ <= 0 || shares_[turn_class].cap >= 1) return absl::ZeroDuration();
  return tags_[turn_class].cap - kBurst;
}

void ClassRates::Charge(chat::v1::TurnClass turn_class, double cost, absl::Duration now) {
  if (!first_charge_) first_charge_ = now;
  Book(turn_class, cost, now);
  served_ = Served(now) + cost / absl::ToDoubleSeconds(kMean);
  served_at_ = now;
}

void ClassRates::Correct(chat::v1::TurnClass turn_class, double difference, absl::Duration now) {
  Book(turn_class, difference, now);
  served_ = std::max(0.0, Served(now) + difference / absl::ToDoubleSeconds(kMean));
  served_at_ = now;
}

void ClassRates::Book(chat::v1::TurnClass turn_class, double cost, absl::Duration now) {
  const ClassShare& share = shares_[turn_class];
  Tags& tags = tags_[turn_class];
  const double rate = Rate(now);
  if (share.floor > 0 && rate > 0) {
    tags.floor = std::max(tags.floor, now - kBurst) + absl::Seconds(cost / (share.floor * rate));
  }
  if (share.cap < 1 && known_rate_ > 0) {
    tags.cap = std::max(tags.cap, now) + absl::Seconds(cost / (share.cap * known_rate_));
  }
}

double ClassRates::Rate(absl::Duration now) const {
  if (known_rate_ > 0) return known_rate_;
  if (!first_charge_) return 0;
  const absl::Duration seen = std::max(now - *first_charge_, kLeastSeen);
  return Served(now) / -std::expm1(-absl::FDivDuration(seen, kMean));
}

double ClassRates::Served(absl::Duration now) const {
  return served_ * std::exp(-absl::FDivDuration(now - served_at_, kMean));
}

}  // namespace penstock::dispatcher
