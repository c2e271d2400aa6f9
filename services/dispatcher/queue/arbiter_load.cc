// What an arbiter tells of the load of its classes.
#include "services/dispatcher/queue/arbiter_core.h"

namespace penstock::dispatcher {

ClassLoad ArbiterCore::LoadOf(chat::v1::TurnClass turn_class) {
  MutexLock lock(mutex_);
  return loads_.Of(turn_class, clock_.Monotonic());
}

LoadSignal ArbiterCore::Signal() {
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Monotonic();
  PoolState state;
  for (size_t c = 0; c < state.classes.size(); ++c) {
    state.classes[c] = loads_.CountsOf(static_cast<chat::v1::TurnClass>(c));
  }
  state.adapters_full = adapters_.closed();
  if (const auto next = scheduler_->Pick(now)) {
    state.room = lanes_->RoomFor(turns_.find(*next)->second->call, now);
  } else if (scheduler_->ready() > 0) {
    state.room.held_by = v1::CLASS_CAP;
  }
  state.calls_per_second = lanes_->calls_per_second(now);
  state.call_time = eta_.CallTime();
  return SignalOf(state);
}

Eta ArbiterCore::EtaOf(chat::v1::TurnClass turn_class) const {
  MutexLock lock(mutex_);
  return PlaceAt(turn_class, loads_.WaitingDownTo(turn_class) + 1).eta;
}

void ArbiterCore::CountRefused(chat::v1::TurnClass turn_class, int64_t times) {
  MutexLock lock(mutex_);
  loads_.CountRefused(turn_class, times, clock_.Monotonic());
}

}  // namespace penstock::dispatcher
