// The lanes of a pool, and which of them takes the next call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "services/dispatcher/limits/breaker.h"
#include "services/dispatcher/limits/lane_limiter.h"
#include "services/dispatcher/limits/retry_budget.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// How full a lane is, and how it does.
struct LaneLoad {
  int64_t in_flight = 0;
  int64_t concurrency = 0;
  double rate_factor = 1;
  absl::Duration pause_left;
  // Exponential mean over about 10 calls; zero: none has come yet.
  absl::Duration first_output;
  Breaker::State breaker = Breaker::State::kClosed;
  int64_t openings = 0;
  // Of the last one.
  chat::v1::ErrorKind cause = chat::v1::ERROR_KIND_UNSPECIFIED;
};

// No lane that could take a call may be called.
struct Outage {
  // Why the lane is left alone that is tried next.
  chat::v1::ErrorKind kind;
  // Until then; InfiniteDuration: a trial is under way.
  absl::Duration wait;
};

// A pure state machine: no I/O, no clock (`now` is Clock::Monotonic), no lock of its own. A choice
// allocates nothing. Lanes are known by their index.
class LaneSet {
 public:
  static constexpr int kMost = 64;
  static constexpr int kNone = -1;

  struct Lane {
    // The provider's.
    std::string name;
    std::unique_ptr<LaneLimiter> limiter;
    Breaker breaker = Breaker();
    // Above 0.
    double weight = 1;
  };

  // 1 to kMost lanes. `seed`: of the jitter of breakers.
  LaneSet(std::vector<Lane> lanes, uint32_t seed);

  const std::string& name(int lane) const { return Of(lane).lane.name; }
  // kNone: there is none of that name.
  int Find(absl::string_view name) const;
  int size() const { return static_cast<int>(lanes_.size()); }

  // OK when one lane could make such a call; else what the first one says.
  absl::Status CheckPossible(const CallSize& call) const;
  // A bit for each lane that could; of an only lane, which CheckPossible is for, always its bit.
  uint64_t LanesFor(const CallSize& call) const;

  struct Call {
    CallSize size;
    // Of LanesFor.
    uint64_t lanes = ~uint64_t{0};
    // The session's last one, whose cache may hold its context.
    int last = kNone;
    // An attempt has just failed on it: only if no other can.
    int failed = kNone;
  };
  struct Choice {
    int lane = kNone;
    // Without a lane: LaneLimiter::Reserve.
    absl::Duration wait = absl::ZeroDuration();
  };
  // Books the call on a lane that can take it: the last one, else by turns, each as often as its
  // weight, its room (part of its concurrency that is free) and its time to first output (of the
  // fastest, over its own) say together.
  Choice Reserve(PermitId permit, const Call& call, absl::Duration now);

  // LaneLimiter's, over all lanes that may be called: what stops the next call is what stops it on
  // the lane that would take most; OUTAGE when none may be called.
  Room RoomFor(const Call& call, absl::Duration now);

  // Of a call on `lane`, as LaneLimiter has them. True: more may be called now.
  void Answered(int lane, PermitId permit, const provider::v1::RateLimits& said,
                absl::Duration now);
  bool FirstOutput(int lane, PermitId permit, absl::Duration delay, absl::Duration now);

  // Each ends a call.
  void Settle(int lane, PermitId permit, const chat::v1::Usage& actual, absl::Duration now);
  void Failed(int lane, PermitId permit, chat::v1::ErrorKind kind, const chat::v1::Usage& actual,
              absl::Duration now);
  // We cut it: nothing is known of its lane.
  void Stopped(int lane, PermitId permit, absl::Duration now);
  // Nothing was sent; NotSent: for this reason.
  void GiveBack(int lane, PermitId permit, absl::Duration now);
  void NotSent(int lane, PermitId permit, chat::v1::ErrorKind kind, absl::Duration now);
  void Refused(int lane, PermitId permit, std::optional<absl::Duration> retry_after,
               const provider::v1::RateLimits& said, absl::Duration now);

  // RetryBudget's, of the lane.
  bool TakeRetry(int lane, absl::Duration now) { return Of(lane).retries.TakeRetry(now); }

  // Of these lanes, bits of LanesFor.
  std::optional<Outage> OutageOf(uint64_t lanes, absl::Duration now) const;
  // A breaker is not closed.
  bool troubled() const;

  LaneLoad Load(int lane, absl::Duration now) const;
  // Over all lanes. Concurrency: of those whose breaker is closed, at least 1; calls_per_second:
  // LaneLimiter's, of the same; rate_factor: their mean; PauseLeft: after refusals, until one of
  // them may be called; zero in an outage.
  int64_t in_flight() const;
  int64_t concurrency(absl::Duration now) const;
  double calls_per_second(absl::Duration now) const;
  double rate_factor() const;
  absl::Duration PauseLeft(absl::Duration now) const;

 private:
  struct State {
    Lane lane;
    RetryBudget retries = {};
    // Of smooth weighted round robin.
    double credit = 0;
    double share = 0;
    absl::Duration first_output = absl::ZeroDuration();
  };

  State& Of(int lane) { return lanes_[static_cast<size_t>(lane)]; }
  const State& Of(int lane) const { return lanes_[static_cast<size_t>(lane)]; }
  // As LaneLimiter::Reserve, the breaker included.
  absl::Duration ReserveOn(State& state, PermitId permit, const CallSize& size, absl::Duration now);
  Choice ReserveByTurns(PermitId permit, const CallSize& size, uint64_t lanes, absl::Duration now);
  // Sets the share of each of `lanes`; their sum.
  double Share(uint64_t lanes, absl::Duration now);
  void Fail(State& state, PermitId permit, chat::v1::ErrorKind kind, absl::Duration now);

  std::vector<State> lanes_;
  std::minstd_rand random_;
};

}  // namespace penstock::dispatcher
