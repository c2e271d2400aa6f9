#include "libs/host/health.h"

#include <utility>

namespace penstock::host {

void Health::StartServing(std::vector<const Service*> services) {
  MutexLock lock(mutex_);
  services_ = std::move(services);
  state_ = State::kServing;
}

void Health::StopServing() {
  MutexLock lock(mutex_);
  services_.clear();
  state_ = State::kDraining;
}

Health::State Health::state() const {
  MutexLock lock(mutex_);
  return state_;
}

std::vector<Health::Reason> Health::NotReadyBecause() const {
  // Under the lock, so that StopServing returns only when nobody asks any more.
  MutexLock lock(mutex_);
  if (state_ == State::kStarting) return {{"process", "starting"}};
  if (state_ == State::kDraining) return {{"process", "stopping"}};
  std::vector<Reason> reasons;
  for (const Service* service : services_) {
    const absl::Status ready = service->Ready();
    if (!ready.ok())
      reasons.push_back({std::string(service->name()), std::string(ready.message())});
  }
  return reasons;
}

}  // namespace penstock::host
