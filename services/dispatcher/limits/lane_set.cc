#include "services/dispatcher/limits/lane_set.h"

#include <algorithm>
#include <utility>

namespace penstock::dispatcher {
namespace {

constexpr double kGain = 0.1;
// Below it differences of latency are noise.
constexpr absl::Duration kNoise = absl::Milliseconds(10);
// A lane without room is passed, not forgotten.
constexpr double kLeastRoom = 0.01;

uint64_t Bit(int lane) { return uint64_t{1} << lane; }
uint64_t First(int lanes) { return ~uint64_t{0} >> (LaneSet::kMost - lanes); }

double RoomOf(const LaneLimiter& limiter) {
  const auto all = static_cast<double>(limiter.concurrency());
  return std::max(kLeastRoom, (all - static_cast<double>(limiter.in_flight())) / all);
}

}  // namespace

LaneSet::LaneSet(std::vector<Lane> lanes, uint32_t seed) : random_(seed) {
  lanes_.reserve(lanes.size());
  for (Lane& lane : lanes) lanes_.push_back({.lane = std::move(lane)});
}

int LaneSet::Find(absl::string_view name) const {
  for (int lane = 0; lane < size(); ++lane) {
    if (this->name(lane) == name) return lane;
  }
  return kNone;
}

absl::Status LaneSet::CheckPossible(const CallSize& call) const {
  absl::Status first = Of(0).lane.limiter->CheckPossible(call);
  if (first.ok() || size() == 1 || LanesFor(call) == 0) return first;
  return absl::OkStatus();
}

uint64_t LaneSet::LanesFor(const CallSize& call) const {
  if (size() == 1) return 1;
  uint64_t lanes = 0;
  for (int lane = 0; lane < size(); ++lane) {
    if (Of(lane).lane.limiter->CheckPossible(call).ok()) lanes |= Bit(lane);
  }
  return lanes;
}

absl::Duration LaneSet::ReserveOn(State& state, PermitId permit, const CallSize& size,
                                  absl::Duration now) {
  Lane& lane = state.lane;
  absl::Duration wait = lane.breaker.Wait(now);
  if (wait == absl::ZeroDuration()) wait = lane.limiter->Reserve(permit, size, now);
  if (wait == absl::ZeroDuration()) lane.breaker.OnBegin(permit);
  return wait;
}

LaneSet::Choice LaneSet::Reserve(PermitId permit, const Call& call, absl::Duration now) {
  Choice none{.lane = kNone, .wait = absl::InfiniteDuration()};
  const auto take = [&](int lane) {
    const absl::Duration wait = ReserveOn(Of(lane), permit, call.size, now);
    none.wait = std::min(none.wait, wait);
    return wait == absl::ZeroDuration();
  };
  uint64_t left = call.lanes & First(size());
  if (size() == 1) {
    if (take(0)) return {.lane = 0};
    return none;
  }
  if (call.failed != kNone) left &= ~Bit(call.failed);
  if (call.last != kNone && (left & Bit(call.last)) != 0) {
    if (take(call.last)) return {.lane = call.last};
    left &= ~Bit(call.last);
  }
  const Choice choice = ReserveByTurns(permit, call.size, left, now);
  if (choice.lane != kNone) return choice;
  none.wait = std::min(none.wait, choice.wait);
  const bool again = call.failed != kNone && (call.lanes & Bit(call.failed)) != 0;
  if (again && take(call.failed)) return {.lane = call.failed};
  return none;
}

Room LaneSet::RoomFor(const Call& call, absl::Duration now) {
  Room all{.calls = 0, .held_by = v1::OUTAGE};
  int64_t most = -1;
  for (int lane = 0; lane < size(); ++lane) {
    State& state = Of(lane);
    if ((call.lanes & Bit(lane)) == 0) continue;
    if (state.lane.breaker.Wait(now) > absl::ZeroDuration()) continue;
    Room room = state.lane.limiter->RoomFor(call.size, now);
    // One call tries it.
    if (state.lane.breaker.is_open() && room.calls > 1) room = {.calls = 1, .held_by = v1::OUTAGE};
    all.calls += room.calls;
    if (room.calls <= most) continue;
    most = room.calls;
    all.held_by = room.held_by;
  }
  return all;
}

LaneSet::Choice LaneSet::ReserveByTurns(PermitId permit, const CallSize& size, uint64_t lanes,
                                        absl::Duration now) {
  Choice none{.lane = kNone, .wait = absl::InfiniteDuration()};
  const double all = Share(lanes, now);
  while (lanes != 0) {
    int best = kNone;
    for (int lane = 0; lane < this->size(); ++lane) {
      if ((lanes & Bit(lane)) == 0) continue;
      if (best == kNone || Of(lane).credit > Of(best).credit) best = lane;
    }
    State& state = Of(best);
    const absl::Duration wait = ReserveOn(state, permit, size, now);
    if (wait == absl::ZeroDuration()) {
      state.credit -= all;
      return {.lane = best};
    }
    // What it could not take is not made up for later.
    state.credit = 0;
    lanes &= ~Bit(best);
    none.wait = std::min(none.wait, wait);
  }
  return none;
}

double LaneSet::Share(uint64_t lanes, absl::Duration now) {
  absl::Duration fastest = absl::InfiniteDuration();
  for (int lane = 0; lane < size(); ++lane) {
    const absl::Duration own = Of(lane).first_output;
    if (own > absl::ZeroDuration()) fastest = std::min(fastest, std::max(own, kNoise));
  }
  double all = 0;
  for (int lane = 0; lane < size(); ++lane) {
    State& state = Of(lane);
    state.share = 0;
    if ((lanes & Bit(lane)) == 0 || state.lane.breaker.Wait(now) > absl::ZeroDuration()) continue;
    const double speed = state.first_output == absl::ZeroDuration()
                             ? 1
                             : absl::FDivDuration(fastest, std::max(state.first_output, kNoise));
    state.share = state.lane.weight * RoomOf(*state.lane.limiter) * speed;
    state.credit += state.share;
    all += state.share;
  }
  return all;
}

void LaneSet::Answered(int lane, PermitId permit, const provider::v1::RateLimits& said,
                       absl::Duration now) {
  Of(lane).lane.limiter->Answered(permit, said, now);
}

bool LaneSet::FirstOutput(int lane, PermitId permit, absl::Duration delay, absl::Duration now) {
  State& state = Of(lane);
  state.first_output = state.first_output == absl::ZeroDuration()
                           ? delay
                           : state.first_output + (delay - state.first_output) * kGain;
  LaneLimiter& limiter = *state.lane.limiter;
  const bool closed = state.lane.breaker.OnFirstOutput(permit, now);
  if (closed) limiter.StartAgain();
  const int64_t before = limiter.concurrency();
  limiter.FirstOutput(permit, now);
  return closed || limiter.concurrency() > before;
}

void LaneSet::Settle(int lane, PermitId permit, const chat::v1::Usage& actual, absl::Duration now) {
  State& state = Of(lane);
  state.retries.CountCall(now);
  if (state.lane.breaker.OnWell(permit, now)) state.lane.limiter->StartAgain();
  state.lane.limiter->Settle(permit, actual, now);
}

void LaneSet::Fail(State& state, PermitId permit, chat::v1::ErrorKind kind, absl::Duration now) {
  switch (VerdictOf(kind)) {
    case Verdict::kWell:
      if (state.lane.breaker.OnWell(permit, now)) state.lane.limiter->StartAgain();
      break;
    case Verdict::kFailed:
    case Verdict::kFailedForLong: {
      const double jitter = std::uniform_real_distribution<double>(0, 1)(random_);
      state.lane.breaker.OnFailed(permit, kind, now, jitter);
      break;
    }
    case Verdict::kNone:
      state.lane.breaker.OnNothing(permit);
      break;
  }
}

void LaneSet::Failed(int lane, PermitId permit, chat::v1::ErrorKind kind,
                     const chat::v1::Usage& actual, absl::Duration now) {
  State& state = Of(lane);
  state.retries.CountCall(now);
  if (kind == chat::v1::PROVIDER_OVERLOADED) state.lane.limiter->Overloaded(permit, now);
  Fail(state, permit, kind, now);
  state.lane.limiter->Settle(permit, actual, now);
}

void LaneSet::Stopped(int lane, PermitId permit, absl::Duration now) {
  Of(lane).lane.breaker.OnNothing(permit);
  Of(lane).lane.limiter->Settle(permit, {}, now);
}

void LaneSet::GiveBack(int lane, PermitId permit, absl::Duration now) {
  Of(lane).lane.breaker.OnNothing(permit);
  Of(lane).lane.limiter->GiveBack(permit, now);
}

void LaneSet::NotSent(int lane, PermitId permit, chat::v1::ErrorKind kind, absl::Duration now) {
  Fail(Of(lane), permit, kind, now);
  Of(lane).lane.limiter->GiveBack(permit, now);
}

void LaneSet::Refused(int lane, PermitId permit, std::optional<absl::Duration> retry_after,
                      const provider::v1::RateLimits& said, absl::Duration now) {
  Of(lane).lane.breaker.OnNothing(permit);
  Of(lane).lane.limiter->Refused(permit, retry_after, said, now);
}

std::optional<Outage> LaneSet::OutageOf(uint64_t lanes, absl::Duration now) const {
  std::optional<Outage> outage;
  for (int lane = 0; lane < size(); ++lane) {
    if ((lanes & Bit(lane)) == 0) continue;
    const Breaker& breaker = Of(lane).lane.breaker;
    const absl::Duration wait = breaker.Wait(now);
    if (wait == absl::ZeroDuration()) return std::nullopt;
    if (!outage || wait < outage->wait) outage = Outage{.kind = breaker.cause(), .wait = wait};
  }
  return outage;
}

bool LaneSet::troubled() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const State& state) { return state.lane.breaker.is_open(); });
}

LaneLoad LaneSet::Load(int lane, absl::Duration now) const {
  const State& state = Of(lane);
  const LaneLimiter& limiter = *state.lane.limiter;
  return {.in_flight = limiter.in_flight(),
          .concurrency = limiter.concurrency(),
          .rate_factor = limiter.rate_factor(),
          .pause_left = limiter.PauseLeft(now),
          .first_output = state.first_output,
          .breaker = state.lane.breaker.state(now),
          .openings = state.lane.breaker.openings(),
          .cause = state.lane.breaker.cause()};
}

int64_t LaneSet::in_flight() const {
  int64_t sum = 0;
  for (const State& state : lanes_) sum += state.lane.limiter->in_flight();
  return sum;
}

int64_t LaneSet::concurrency(absl::Duration now) const {
  int64_t sum = 0;
  for (const State& state : lanes_) {
    if (state.lane.breaker.state(now) == Breaker::State::kClosed) {
      sum += state.lane.limiter->concurrency();
    }
  }
  return std::max<int64_t>(1, sum);
}

double LaneSet::calls_per_second(absl::Duration now) const {
  double sum = 0;
  for (const State& state : lanes_) {
    if (state.lane.breaker.state(now) == Breaker::State::kClosed) {
      sum += state.lane.limiter->calls_per_second();
    }
  }
  return sum;
}

double LaneSet::rate_factor() const {
  double sum = 0;
  for (const State& state : lanes_) sum += state.lane.limiter->rate_factor();
  return sum / static_cast<double>(lanes_.size());
}

absl::Duration LaneSet::PauseLeft(absl::Duration now) const {
  absl::Duration least = absl::InfiniteDuration();
  for (const State& state : lanes_) {
    if (state.lane.breaker.is_open()) continue;
    least = std::min(least, state.lane.limiter->PauseLeft(now));
  }
  return least == absl::InfiniteDuration() ? absl::ZeroDuration() : least;
}

}  // namespace penstock::dispatcher
