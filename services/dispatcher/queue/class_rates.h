// Floors and caps of the classes of one pool: shares of its rate that a class gets, or gets at
// most, whatever the order of the classes says.
#pragma once

#include <array>
#include <optional>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Of a pool's rate.
struct ClassShare {
  // What the class is served at least, while it waits; 0 to 1.
  double floor = 0;
  // What it is served at most; above 0, 1: no cap.
  double cap = 1;
};

using ClassShares = std::array<ClassShare, chat::v1::TurnClass_ARRAYSIZE>;

// A pure state machine on the clock of its caller. For each class a tag says until when its floor
// is paid by the service it has had: tag = max(tag, now - burst) + cost / (floor * rate) (the
// reservation tag of mClock, Gulati et al., OSDI 10). The cap has the same with its own share.
//
// The rate is that of SetRate. Until it is set floors are shares of what the pool serves: their
// tags stand on a clock of cost units, which every service moves on, so that no guess of the rate
// is wrong after a start or a pause. A burst is what was served in 1 s, by an exponential mean over
// 10 s. There are no caps then: they would be shares of themselves.
class ClassRates {
 public:
  explicit ClassRates(const ClassShares& shares) : shares_(shares) {}

  // What the pool can serve, in cost units a second; 0: unknown.
  void SetRate(double per_second) { known_rate_ = per_second; }

  // The floor of the class is not paid at `now`; the smaller, the longer ago it fell behind.
  std::optional<absl::Duration> Owed(chat::v1::TurnClass turn_class, absl::Duration now) const;
  bool OverCap(chat::v1::TurnClass turn_class, absl::Duration now) const;
  // When the cap lets the class go on.
  absl::Duration CapEnds(chat::v1::TurnClass turn_class) const;

  // The class was given so much, as expected, and took more than that; negative: less.
  void Charge(chat::v1::TurnClass turn_class, double cost, absl::Duration now);
  void Correct(chat::v1::TurnClass turn_class, double difference, absl::Duration now);

  const ClassShares& shares() const { return shares_; }

 private:
  struct Tags {
    absl::Duration floor = absl::ZeroDuration();
    // While the rate is unknown.
    double floor_served = 0;
    absl::Duration cap = absl::ZeroDuration();
  };

  std::optional<absl::Duration> OwedOfServed(chat::v1::TurnClass turn_class,
                                             absl::Duration now) const;
  double Served(absl::Duration now) const;
  double Burst(absl::Duration now) const;
  void Book(chat::v1::TurnClass turn_class, double cost, absl::Duration now);

  const ClassShares shares_;
  double known_rate_ = 0;
  // Cost units, in all.
  double total_ = 0;
  // Cost units a second, as of `served_at_`.
  double served_ = 0;
  absl::Duration served_at_ = absl::ZeroDuration();
  std::array<Tags, chat::v1::TurnClass_ARRAYSIZE> tags_;
};

}  // namespace penstock::dispatcher
