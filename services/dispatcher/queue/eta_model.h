// How long a waiting turn of one pool still waits.
#pragma once

#include <array>
#include <cstdint>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// Events a second, forgotten exponentially. A value.
class DecayingRate {
 public:
  explicit DecayingRate(absl::Duration time_constant) : time_constant_(time_constant) {}

  void Add(absl::Duration now, int64_t events = 1);
  double PerSecond(absl::Duration now) const;

 private:
  absl::Duration time_constant_;
  double rate_ = 0;
  absl::Duration at_ = absl::ZeroDuration();
};

struct Eta {
  absl::Duration p50;
  absl::Duration p90;
};

// A pure model: no clock (`now` is Clock::Monotonic), no lock of its own.
//
// A pool of c slots whose calls take S seconds on average starts one turn each g = S / c seconds
// while turns wait. Once 8 starts were seen with turns waiting behind them, g is measured instead:
// the time for which turns waited by the starts in it, both forgotten over 10 s, or over 20 starts
// if that is longer, so that starts in bunches (slots that end together, a provider's minute) count
// as what they are. Turns of higher classes that arrive meanwhile, l a second (measured over 10 s
// and over 60 s, the lesser: a burst is no stream), stretch it to G = g / (1 - min(l * g, 0.95)).
// The wait of the turn at position p, with f slots free, is then that for n = p - f starts; with
// calls of random length it is about a Gamma(n, G) variable, whose quantiles are (Wilson and
// Hilferty, 1931)
//
//   eta(z) = G * n * (1 - 1/(9n) + z / (3 sqrt n))^3,   z = 0 for p50, 1.2816 for p90.
//
// n <= 0: no wait. S is 2 s until a call has ended.
class EtaModel {
 public:
  void OnEnter(chat::v1::TurnClass turn_class, absl::Duration now);
  // `backlogged`: a ready turn is still waiting after this start.
  void OnStart(bool backlogged, absl::Duration now);
  // No ready turn is left, however that came.
  void OnNobodyReady() { was_backlogged_ = false; }
  // A call has ended after `service`.
  void OnEnd(absl::Duration service);
  // A mean of the calls that have ended; zero: none has.
  absl::Duration CallTime() const {
    return services_ == 0 ? absl::ZeroDuration() : absl::Seconds(service_seconds_);
  }

  // Turns that the pool may start in the next second: 1 / g while turns wait; else the measured
  // rate or c / S, the greater.
  double StartsPerSecond(int64_t concurrency, absl::Duration now) const;
  // `free`: slots that a turn could take now.
  Eta Estimate(chat::v1::TurnClass turn_class, int64_t position, int64_t free, int64_t concurrency,
               absl::Duration now) const;
  // How long so many calls take one after the other, the first of them under way: as a Gamma(n, S)
  // variable, which forgets how long the first has run.
  Eta Serial(int64_t calls) const;

 private:
  static constexpr absl::Duration kTimeConstant = absl::Seconds(10);
  // Of one class.
  struct Arrivals {
    DecayingRate lately{kTimeConstant};
    DecayingRate of_a_minute{absl::Minutes(1)};
  };

  // Seconds between two starts while turns wait.
  double Gap(int64_t concurrency) const;
  // Arrivals a second in classes above this one.
  double ArrivalsAbove(chat::v1::TurnClass turn_class, absl::Duration now) const;

  DecayingRate starts_{kTimeConstant};
  std::array<Arrivals, chat::v1::TurnClass_ARRAYSIZE> arrivals_;
  double service_seconds_ = 2;
  int64_t services_ = 0;
  // Both decay.
  double backlogged_seconds_ = 0;
  double backlogged_starts_ = 0;
  int64_t gaps_ = 0;
  bool was_backlogged_ = false;
  absl::Duration last_start_ = absl::ZeroDuration();
};

}  // namespace penstock::dispatcher
