// Permission to call one pool: who may, when, and how long the others wait.
//
//   std::unique_ptr<WaitingTurn> waiting = arbiter.Enter({.turn_class = …, .seq = …});
//   co_await waiting->InWindow(stop);                        // now prepare: history, memories
//   auto permit = co_await waiting->Acquire(size, stop);
//   … call the provider of permit->lane() …
//   permit->Settle(usage);       // or Failed, Stopped, NotSent, Refused; or drop it: given back
//
// A further attempt or step calls Acquire again on the same WaitingTurn and stands at its old
// place. When a slot is free and nobody stands before the turn, none of the three suspends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "services/dispatcher/limits/lane_set.h"
#include "services/dispatcher/queue/class_loads.h"
#include "services/dispatcher/queue/eta_model.h"
#include "services/dispatcher/queue/scheduler.h"
#include "services/dispatcher/queue/turn_in_line.h"
#include "services/dispatcher/scaling/load_signal.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::dispatcher {

class ArbiterCore;

// Where a turn stands now. `position` is 0, and the times are zero, for one that is not in line.
struct PlaceInLine {
  chat::v1::TurnClass turn_class = chat::v1::CLASS_FREE;
  int64_t position = 0;
  Eta eta;
};

// What the arbiter keeps of one turn.
struct TurnState;

// Permission for one call. Settle it or drop it, on any thread. Keeps what it needs of the arbiter
// alive.
class Permit {
 public:
  // For the arbiter.
  Permit(std::shared_ptr<ArbiterCore> core, std::shared_ptr<TurnState> turn, PermitId id,
         absl::string_view lane);
  Permit(Permit&& other) noexcept;
  Permit& operator=(Permit&& other) noexcept;
  // Gives it back unless it was settled: nothing was sent, and the turn is in line again at its old
  // place.
  ~Permit();

  PermitId id() const { return id_; }
  // Name of the provider to call; as long as the permit is held.
  absl::string_view lane() const { return lane_; }
  // The provider has just answered, with output to come.
  void Answered(const provider::v1::RateLimits& said);
  void FirstOutput();
  // Books a repetition of the call, which has failed; false: the lane has no room for it.
  bool TakeRetry();

  // Each of these once, and then nothing more.
  // The call has ended well and used this much.
  void Settle(const chat::v1::Usage& actual);
  void Failed(chat::v1::ErrorKind kind, const chat::v1::Usage& actual);
  // It was cut on our side.
  void Stopped();
  // Nothing was sent, for no adapter took the call: the turn is in line again at its old place, and
  // asks again at once. The arbiter gives permits as adapters take calls.
  void NotTaken();
  // Nothing was sent, because of the provider: the turn is in line again at its old place.
  void NotSent(chat::v1::ErrorKind kind);
  // The provider refused it, too many requests: the lane pauses, and the turn is in line again at
  // its old place.
  void Refused(std::optional<absl::Duration> retry_after, const provider::v1::RateLimits& said);

 private:
  void GiveBack();

  // Null: settled, or moved from.
  std::shared_ptr<ArbiterCore> core_;
  std::shared_ptr<TurnState> turn_;
  PermitId id_;
  absl::string_view lane_;
};

// A turn's claim to its place in line. Thread-safe, but InWindow and Acquire are called by one
// coroutine, one at a time. Destroying it takes the turn out of the line; no wait may be pending.
class WaitingTurn {
 public:
  WaitingTurn(std::shared_ptr<ArbiterCore> core, std::shared_ptr<TurnState> turn);
  ~WaitingTurn();
  WaitingTurn(const WaitingTurn&) = delete;
  WaitingTurn& operator=(const WaitingTurn&) = delete;

  // OK as soon as the turn should be prepared. CANCELLED when `stop` comes first; the turn keeps
  // its place.
  Awaitable<absl::Status> InWindow(std::stop_token stop);
  // A permit, when it is this turn's, for a call that is possible (Arbiter::CheckPossible).
  // CANCELLED when `stop` comes first; the turn is out of the line then, until it asks again. So it
  // is with UNAVAILABLE (reason: the ErrorKind): every lane has failed and is left alone, for
  // longer than `patience` from now. FAILED_PRECONDITION while it holds a permit.
  Awaitable<absl::StatusOr<Permit>> Acquire(CallSize size, std::stop_token stop,
                                            absl::Duration patience = absl::InfiniteDuration());
  // The highest class waiting behind it in its session rises or falls. While it holds a permit,
  // this is for its next place in line.
  void SetClass(chat::v1::TurnClass turn_class);
  PlaceInLine Place() const;

 private:
  std::shared_ptr<ArbiterCore> core_;
  std::shared_ptr<TurnState> turn_;
};

// How full the pool is, over all its lanes.
struct PoolLoad {
  // In line, and those of them that are ready.
  int64_t waiting = 0;
  int64_t ready = 0;
  int64_t in_flight = 0;
  int64_t concurrency = 0;
  double starts_per_second = 0;
  // LaneSet's.
  double rate_factor = 1;
  absl::Duration pause_left;
  // No adapter took the last call that was offered to them.
  bool adapters_full = false;
};

// One a pool. Thread-safe. Waiting turns and permits may outlive it.
class Arbiter {
 public:
  Arbiter(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneSet> lanes, const Clock& clock,
          Timers& timers);
  // With one lane, which has no name.
  Arbiter(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneLimiter> limiter,
          const Clock& clock, Timers& timers);
  ~Arbiter();

  [[nodiscard]] std::unique_ptr<WaitingTurn> Enter(TurnInLine turn);
  // INVALID_ARGUMENT (IMPOSSIBLE_COST): no lane could ever make such a call; says why.
  absl::Status CheckPossible(const CallSize& size) const;
  // What Place would say to a turn that entered now, after all of its user. Without an outage,
  // which a turn may not wait for.
  PlaceInLine PlaceOfNext(const TurnInLine& turn) const;
  // How long so many calls take one after the other, as those of one session do.
  Eta Serial(int64_t calls) const;
  PoolLoad Load() const;
  // What the pool asks of adapters, now.
  LoadSignal Signal() const;
  // Of all lanes.
  std::optional<Outage> OutageNow() const;
  const std::vector<std::string>& lanes() const;
  LaneLoad Load(int lane) const;
  // Counts for the permits given from now on.
  void SetShares(const Shares& shares);
  ClassLoad LoadOf(chat::v1::TurnClass turn_class) const;
  // How long a turn would wait that joined now behind all of its class and of those above it: the
  // longest that a user would who has no other in line.
  Eta EtaOf(chat::v1::TurnClass turn_class) const;
  // A turn was not taken because the pool is too full.
  void CountRefused(chat::v1::TurnClass turn_class, int64_t times = 1);

 private:
  std::shared_ptr<ArbiterCore> core_;
};

}  // namespace penstock::dispatcher
