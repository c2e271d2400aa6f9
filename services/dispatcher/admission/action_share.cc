#include "services/dispatcher/admission/action_share.h"

#include <algorithm>

namespace penstock::dispatcher {
namespace {

constexpr int64_t kSeconds = 60;
constexpr int64_t kAlways = 10;

int64_t SecondOf(absl::Duration now) { return absl::ToInt64Seconds(now); }

}  // namespace

void ActionShare::SetShare(double share) {
  MutexLock lock(mutex_);
  share_ = share;
}

void ActionShare::DropOldSeconds(int64_t now, Minute& minute) {
  while (!minute.seconds.empty() && minute.seconds.front().second <= now - kSeconds) {
    minute.turns -= minute.seconds.front().turns;
    minute.actions -= minute.seconds.front().actions;
    minute.seconds.pop_front();
  }
}

void ActionShare::Add(int64_t now, int64_t actions, Minute& minute) {
  // Threads may come a little out of order: the last second takes it.
  if (minute.seconds.empty() || minute.seconds.back().second < now) {
    minute.seconds.push_back({.second = now});
  }
  minute.seconds.back().turns += 1;
  minute.seconds.back().actions += actions;
  minute.turns += 1;
  minute.actions += actions;
}

bool ActionShare::Take(const std::string& tenant, absl::Duration now) {
  MutexLock lock(mutex_);
  Minute& minute = tenants_[tenant];
  DropOldSeconds(SecondOf(now), minute);
  const auto allowed = static_cast<int64_t>(share_ * static_cast<double>(minute.turns + 1) + 1e-6);
  if (minute.actions >= std::max(kAlways, allowed)) return false;
  Add(SecondOf(now), 1, minute);
  return true;
}

void ActionShare::GiveBack(const std::string& tenant, absl::Duration taken) {
  MutexLock lock(mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return;
  Minute& minute = found->second;
  for (Second& second : minute.seconds) {
    if (second.second < SecondOf(taken) || second.actions == 0) continue;
    --second.turns;
    --second.actions;
    --minute.turns;
    --minute.actions;
    return;
  }
}

void ActionShare::CountOther(const std::string& tenant, absl::Duration now) {
  MutexLock lock(mutex_);
  Minute& minute = tenants_[tenant];
  DropOldSeconds(SecondOf(now), minute);
  Add(SecondOf(now), 0, minute);
}

void ActionShare::DropOld(absl::Duration now) {
  MutexLock lock(mutex_);
  absl::erase_if(tenants_, [&](auto& entry) {
    DropOldSeconds(SecondOf(now), entry.second);
    return entry.second.seconds.empty();
  });
}

}  // namespace penstock::dispatcher
