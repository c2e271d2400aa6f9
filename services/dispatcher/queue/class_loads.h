// What each class of one pool has waiting and running, how fast it comes and goes, and how long it
// waits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/queue/eta_model.h"
#include "services/dispatcher/queue/wait_window.h"
#include "services/dispatcher/scaling/load_signal.h"

#include "absl/container/btree_map.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Of one class, now. Rates are exponential means over 10 s.
struct ClassLoad {
  // In line, and those of them that want a permit.
  int64_t waiting = 0;
  int64_t ready = 0;
  // They hold a permit.
  int64_t running = 0;
  // Of those that wait; zero: none does.
  absl::Duration oldest_wait;
  double arrivals_per_second = 0;
  double starts_per_second = 0;
  double refused_per_second = 0;
  // Of the starts of the last minute (wait_window.h); none: there was none.
  std::optional<absl::Duration> wait_p50;
  std::optional<absl::Duration> wait_p90;
};

// A pure state machine: no I/O, no clock (`now` is Clock::Monotonic), no lock of its own. A wait
// lasts from Join to Start, and goes on when the permit comes back unused. Every call is at most
// O(log n), and one that does not fit the state of its turn does nothing.
class ClassLoads {
 public:
  // One turn. Its owner keeps it, and makes it leave before it is gone.
  class Stay {
   private:
    friend class ClassLoads;
    enum class State : uint8_t { kOut, kWaiting, kReady, kRunning };

    State state_ = State::kOut;
    chat::v1::TurnClass turn_class_ = chat::v1::TURN_CLASS_UNSPECIFIED;
    // In the order of joining.
    int64_t number_ = 0;
    absl::Duration joined_;
  };

  void Join(Stay& stay, chat::v1::TurnClass turn_class, absl::Duration now);
  // While it waits; a call that runs stays in the class in which it was begun.
  void SetClass(Stay& stay, chat::v1::TurnClass turn_class);
  void MarkReady(Stay& stay);
  void Start(Stay& stay, absl::Duration now);
  // The permit came back unused: it waits again, in this class.
  void Return(Stay& stay, chat::v1::TurnClass turn_class);
  // From the line, or because its call has ended.
  void Leave(Stay& stay);
  // A turn was not taken.
  void CountRefused(chat::v1::TurnClass turn_class, int64_t times, absl::Duration now);

  ClassLoad Of(chat::v1::TurnClass turn_class, absl::Duration now);
  PoolState::Class CountsOf(chat::v1::TurnClass turn_class) const;
  // Turns in line that are of this class or a higher one.
  int64_t WaitingDownTo(chat::v1::TurnClass turn_class) const;

 private:
  static constexpr absl::Duration kTimeConstant = absl::Seconds(10);

  struct Class {
    // Who waits, oldest first: by number, when it joined.
    absl::btree_map<int64_t, absl::Duration> line;
    int64_t ready = 0;
    int64_t running = 0;
    DecayingRate arrivals{kTimeConstant};
    DecayingRate starts{kTimeConstant};
    DecayingRate refused{kTimeConstant};
    WaitWindow waits;
  };

  Class& At(chat::v1::TurnClass turn_class) { return classes_[static_cast<size_t>(turn_class)]; }
  void Enlist(Stay& stay, Stay::State state, chat::v1::TurnClass turn_class);
  // What it counted as, it counts as no more.
  void Strike(const Stay& stay);

  std::array<Class, chat::v1::TurnClass_ARRAYSIZE> classes_;
  int64_t joins_ = 0;
};

}  // namespace penstock::dispatcher
