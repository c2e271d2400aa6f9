#include "services/dispatcher/admission/first_turn_cap.h"

#include <algorithm>
#include <utility>

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {
namespace {

void DropOlderThanAnHour(absl::Time now, v1::UserCounters& counters) {
  auto& times = *counters.mutable_first_turns();
  const auto recent = std::find_if(times.begin(), times.end(), [&](const auto& time) {
    return FromProto(time) > now - absl::Hours(1);
  });
  times.erase(times.begin(), recent);
}

}  // namespace

bool FirstTurnCap::Knows(const identity::UserKey& user) const {
  MutexLock lock(mutex_);
  return counters_.contains(user);
}

void FirstTurnCap::Learn(const identity::UserKey& user, v1::UserCounters stored) {
  MutexLock lock(mutex_);
  counters_.try_emplace(user, std::move(stored));
}

std::optional<v1::UserCounters> FirstTurnCap::Take(const identity::UserKey& user, absl::Time now) {
  MutexLock lock(mutex_);
  v1::UserCounters& counters = counters_[user];
  DropOlderThanAnHour(now, counters);
  if (counters.first_turns_size() >= kTurnsAnHour) return std::nullopt;
  *counters.add_first_turns() = ToProto(now);
  return counters;
}

void FirstTurnCap::DropOld(absl::Time now) {
  MutexLock lock(mutex_);
  absl::erase_if(counters_, [&](auto& entry) {
    DropOlderThanAnHour(now, entry.second);
    return entry.second.first_turns().empty();
  });
}

}  // namespace penstock::dispatcher
