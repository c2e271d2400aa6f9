#include "libs/identity/published_keys.h"

#include <algorithm>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"

namespace penstock::identity {

PublishedKeys::PublishedKeys(std::string issuer, const config::v1::Jwks& config)
    : issuer_(std::move(issuer)),
      config_(config),
      refresh_interval_(FromProto(config.refresh_interval())),
      min_refresh_interval_(FromProto(config.min_refresh_interval())),
      max_age_(FromProto(config.max_age())) {}

std::shared_ptr<const JwkSet> PublishedKeys::Current() const {
  MutexLock lock(mutex_);
  return set_;
}

bool PublishedKeys::IsAbsent(absl::string_view kid) const {
  MutexLock lock(mutex_);
  return absent_.contains(kid);
}

PublishedKeys::Hope PublishedKeys::Ask(const std::optional<std::string>& kid, absl::Duration now) {
  MutexLock lock(mutex_);
  if (HasSet() && (!kid || FindKey(set_->keys(), kid) != nullptr)) return Hope::kNow;
  if (kid && absent_.contains(*kid)) return Hope::kNone;
  // An overdue fetch is about to begin.
  if (failed_ && !fetching_ && now < FetchDue()) return Hope::kNone;
  const std::string id = kid.value_or("");
  const auto most = static_cast<size_t>(config_.max_waiting_calls());
  if (asked_.size() >= most && !asked_.contains(id)) return Hope::kNone;
  asked_.insert(id);
  return Hope::kLater;
}

absl::Duration PublishedKeys::FetchDue() const {
  if (!started_) return -absl::InfiniteDuration();
  const absl::Duration soonest = *started_ + min_refresh_interval_;
  const absl::Duration regular = *started_ + refresh_interval_;
  return failed_ || !asked_.empty() ? std::min(soonest, regular) : regular;
}

absl::Duration PublishedKeys::NextDue() const {
  MutexLock lock(mutex_);
  absl::Duration due = fetching_ ? absl::InfiniteDuration() : FetchDue();
  if (HasSet()) due = std::min(due, set_since_ + max_age_);
  if (!absent_.empty()) due = std::min(due, *started_ + min_refresh_interval_);
  return due;
}

bool PublishedKeys::Tick(absl::Duration now) {
  MutexLock lock(mutex_);
  if (HasSet() && now >= set_since_ + max_age_) set_ = nullptr;
  if (!absent_.empty() && now >= *started_ + min_refresh_interval_) absent_.clear();
  if (fetching_ || now < FetchDue()) return false;
  fetching_ = true;
  started_ = now;
  sought_ = std::exchange(asked_, {});
  return true;
}

absl::Status PublishedKeys::Finish(const absl::StatusOr<std::string>& document) {
  const auto parse = [&]() -> absl::StatusOr<std::shared_ptr<const JwkSet>> {
    PENSTOCK_RETURN_IF_ERROR(document.status());
    return JwkSet::Parse(*document,
                         {.max_bytes = config_.max_bytes(), .max_keys = config_.max_keys()});
  };
  auto set = parse();
  std::shared_ptr<const JwkSet> old;  // dropped after the lock
  MutexLock lock(mutex_);
  fetching_ = false;
  failed_ = !set.ok();
  if (failed_) {
    sought_.clear();
    asked_.clear();
    return set.status();
  }
  old = std::exchange(set_, *std::move(set));
  set_since_ = *started_;
  const auto answered = [&keys = set_->keys()](const std::string& kid) {
    return kid.empty() || FindKey(keys, kid) != nullptr;
  };
  absl::erase_if(sought_, answered);
  absl::erase_if(asked_, answered);
  absent_ = std::exchange(sought_, {});
  return absl::OkStatus();
}

}  // namespace penstock::identity
