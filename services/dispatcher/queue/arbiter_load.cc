// What an arbiter tells of the load of its classes.
#include "services/dispatcher/queue/arbiter_core.h"

namespace penstock::dispatcher {

ClassLoad ArbiterCore::LoadOf(chat::v1::TurnClass turn_class) {
  MutexLock lock(mutex_);
  return loads_.Of(turn_class, clock_.Monotonic());
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
