#include "services/dispatcher/admission/tenant_share.h"

#include <algorithm>
#include <utility>

namespace penstock::dispatcher {
namespace {

constexpr int64_t kSeconds = 60;
constexpr int64_t kAlways = 10;

int64_t SecondOf(absl::Duration now) { return absl::ToInt64Seconds(now); }

}  // namespace

TenantShare::Part::Part(Part&& other) noexcept
    : share_(std::exchange(other.share_, nullptr)),
      tenant_(std::move(other.tenant_)),
      taken_(other.taken_) {}

TenantShare::Part& TenantShare::Part::operator=(Part&& other) noexcept {
  std::swap(share_, other.share_);
  std::swap(tenant_, other.tenant_);
  std::swap(taken_, other.taken_);
  return *this;
}

TenantShare::Part::~Part() {
  if (share_ != nullptr) share_->GiveBack(tenant_, taken_);
}

void TenantShare::SetShare(double share) {
  MutexLock lock(mutex_);
  share_ = share;
}

void TenantShare::DropOldSeconds(int64_t now, Minute& minute) {
  while (!minute.seconds.empty() && minute.seconds.front().second <= now - kSeconds) {
    minute.turns -= minute.seconds.front().turns;
    minute.of_class -= minute.seconds.front().of_class;
    minute.seconds.pop_front();
  }
}

void TenantShare::Add(int64_t now, int64_t of_class, Minute& minute) {
  // Threads may come a little out of order: the last second takes it.
  if (minute.seconds.empty() || minute.seconds.back().second < now) {
    minute.seconds.push_back({.second = now});
  }
  minute.seconds.back().turns += 1;
  minute.seconds.back().of_class += of_class;
  minute.turns += 1;
  minute.of_class += of_class;
}

TenantShare::Part TenantShare::Take(const std::string& tenant, absl::Duration now) {
  MutexLock lock(mutex_);
  Minute& minute = tenants_[tenant];
  DropOldSeconds(SecondOf(now), minute);
  const auto allowed = static_cast<int64_t>(share_ * static_cast<double>(minute.turns + 1) + 1e-6);
  if (minute.of_class >= std::max(kAlways, allowed)) return {};
  Add(SecondOf(now), 1, minute);
  return Part(*this, tenant, now);
}

void TenantShare::GiveBack(const std::string& tenant, absl::Duration taken) {
  MutexLock lock(mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return;
  Minute& minute = found->second;
  for (Second& second : minute.seconds) {
    if (second.second < SecondOf(taken) || second.of_class == 0) continue;
    --second.turns;
    --second.of_class;
    --minute.turns;
    --minute.of_class;
    return;
  }
}

void TenantShare::CountOther(const std::string& tenant, absl::Duration now) {
  MutexLock lock(mutex_);
  Minute& minute = tenants_[tenant];
  DropOldSeconds(SecondOf(now), minute);
  Add(SecondOf(now), 0, minute);
}

void TenantShare::DropOld(absl::Duration now) {
  MutexLock lock(mutex_);
  absl::erase_if(tenants_, [&](auto& entry) {
    DropOldSeconds(SecondOf(now), entry.second);
    return entry.second.seconds.empty();
  });
}

}  // namespace penstock::dispatcher
