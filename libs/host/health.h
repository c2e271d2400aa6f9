// Whether a process is ready for work, and why not.
#pragma once

#include <string>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/host/service.h"

namespace penstock::host {

// Thread-safe.
class Health {
 public:
  enum class State { kStarting, kServing, kDraining };

  struct Reason {
    std::string service;
    std::string reason;
  };

  // The services are asked for Ready() from now on, until StopServing.
  void StartServing(std::vector<const Service*> services);
  // Not ready from now on; no service is asked any more when it returns.
  void StopServing();

  State state() const;

  // Empty: ready. Service "process" speaks for the state.
  std::vector<Reason> NotReadyBecause() const;

 private:
  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kStarting;
  std::vector<const Service*> services_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::host
