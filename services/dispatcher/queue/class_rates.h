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

// A pure state machine on the clock of its caller. Tags say until when the service that a class has
// had pays its floor, or uses its cap up: tag = max(tag, clock - burst) + cost / share (after
// mClock, Gulati et al., OSDI 10).
//
// A floor is a share of what the pool serves: its clock is of cost units, and every service moves
// it on, so that no guess of a rate is wrong after a start or a pause. Its burst is what was served
// in 1 s, by an exponential mean over 10 s. A cap is a share of the rate of SetRate, on the clock
// of time, with a burst of 1 s: of what is served it would be a share of itself.
class ClassRates {
 public:
  explicit ClassRates(const ClassShares& shares) : shares_(shares) {}

  // From now on.
  void SetShares(const ClassShares& shares) { shares_ = shares; }

  // What the pool can serve, in cost units a second; 0: unknown, nothing is capped.
  void SetRate(double per_second) { rate_ = per_second; }

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
    // Cost units.
    double floor = 0;
    absl::Duration cap = absl::ZeroDuration();
  };

  double Served(absl::Duration now) const;
  double Burst(absl::Duration now) const;
  void Book(chat::v1::TurnClass turn_class, double cost, absl::Duration now);

  ClassShares shares_;
  double rate_ = 0;
  // Cost units, in all.
  double total_ = 0;
  // Cost units a second, as of `served_at_`.
  double served_ = 0;
  absl::Duration served_at_ = absl::ZeroDuration();
  std::array<Tags, chat::v1::TurnClass_ARRAYSIZE> tags_;
};

}  // namespace penstock::dispatcher
