#include "services/dispatcher/queue/class_loads.h"

namespace penstock::dispatcher {

using chat::v1::TurnClass;

void ClassLoads::Join(Stay& stay, TurnClass turn_class, absl::Duration now) {
  if (stay.state_ != Stay::State::kOut) return;
  stay.number_ = ++joins_;
  stay.joined_ = now;
  Enlist(stay, Stay::State::kWaiting, turn_class);
  At(turn_class).arrivals.Add(now);
}

void ClassLoads::SetClass(Stay& stay, TurnClass turn_class) {
  if (stay.state_ != Stay::State::kWaiting && stay.state_ != Stay::State::kReady) return;
  Strike(stay);
  Enlist(stay, stay.state_, turn_class);
}

void ClassLoads::MarkReady(Stay& stay) {
  if (stay.state_ != Stay::State::kWaiting) return;
  stay.state_ = Stay::State::kReady;
  ++At(stay.turn_class_).ready;
}

void ClassLoads::Start(Stay& stay, absl::Duration now) {
  if (stay.state_ != Stay::State::kReady) return;
  Strike(stay);
  stay.state_ = Stay::State::kRunning;
  Class& its = At(stay.turn_class_);
  ++its.running;
  its.starts.Add(now);
  its.waits.Add(now - stay.joined_, now);
}

void ClassLoads::Return(Stay& stay, TurnClass turn_class) {
  if (stay.state_ != Stay::State::kRunning) return;
  Strike(stay);
  Enlist(stay, Stay::State::kWaiting, turn_class);
}

void ClassLoads::Leave(Stay& stay) {
  Strike(stay);
  stay.state_ = Stay::State::kOut;
}

void ClassLoads::CountRefused(TurnClass turn_class, int64_t times, absl::Duration now) {
  At(turn_class).refused.Add(now, times);
}

void ClassLoads::Enlist(Stay& stay, Stay::State state, TurnClass turn_class) {
  stay.state_ = state;
  stay.turn_class_ = turn_class;
  Class& its = At(turn_class);
  // Most are the newest.
  its.line.emplace_hint(its.line.end(), stay.number_, stay.joined_);
  if (state == Stay::State::kReady) ++its.ready;
}

void ClassLoads::Strike(const Stay& stay) {
  Class& its = At(stay.turn_class_);
  switch (stay.state_) {
    case Stay::State::kReady:
      --its.ready;
      [[fallthrough]];
    case Stay::State::kWaiting:
      its.line.erase(stay.number_);
      return;
    case Stay::State::kRunning:
      --its.running;
      return;
    case Stay::State::kOut:
      return;
  }
}

ClassLoad ClassLoads::Of(TurnClass turn_class, absl::Duration now) {
  Class& its = At(turn_class);
  return {.waiting = static_cast<int64_t>(its.line.size()),
          .ready = its.ready,
          .running = its.running,
          .oldest_wait = its.line.empty() ? absl::ZeroDuration() : now - its.line.begin()->second,
          .arrivals_per_second = its.arrivals.PerSecond(now),
          .starts_per_second = its.starts.PerSecond(now),
          .refused_per_second = its.refused.PerSecond(now),
          .wait_p50 = its.waits.Quantile(0.5, now),
          .wait_p90 = its.waits.Quantile(0.9, now)};
}

PoolState::Class ClassLoads::CountsOf(TurnClass turn_class) const {
  const Class& its = classes_[static_cast<size_t>(turn_class)];
  return {
      .waiting = static_cast<int64_t>(its.line.size()), .ready = its.ready, .running = its.running};
}

int64_t ClassLoads::WaitingDownTo(TurnClass turn_class) const {
  size_t waiting = 0;
  for (size_t its = 0; its <= static_cast<size_t>(turn_class); ++its) {
    waiting += classes_[its].line.size();
  }
  return static_cast<int64_t>(waiting);
}

}  // namespace penstock::dispatcher
