#include "services/dispatcher/turn/pod_choice.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kFullTime = absl::Milliseconds(250);
constexpr int kMostDoublings = 5;

}  // namespace

PodChoice::Change PodChoice::SetAddresses(std::vector<std::string> addresses) {
  absl::flat_hash_set<std::string> wanted(addresses.begin(), addresses.end());
  wanted.erase("");
  Change change;
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    if (wanted.erase(pod->second.address) > 0) {
      ++pod;
      continue;
    }
    change.gone.push_back(pod->first);
    pod = pods_.erase(pod);
  }
  for (std::string& address : addresses) {
    if (wanted.erase(address) == 0) continue;
    change.come.push_back(next_);
    pods_[next_++].address = std::move(address);
  }
  return change;
}

bool PodChoice::Better(const Pod& a, const Pod& b, absl::Duration now) {
  const auto rank = [now](const Pod& pod) {
    const bool avoided = pod.avoided_until > now;
    return std::tuple(avoided, avoided ? pod.avoided_until : absl::ZeroDuration(),
                      pod.full_until > now, pod.calls, pod.chosen);
  };
  return rank(a) < rank(b);
}

std::optional<PodId> PodChoice::Begin(const absl::flat_hash_set<PodId>& tried, absl::Duration now) {
  auto best = pods_.end();
  for (auto pod = pods_.begin(); pod != pods_.end(); ++pod) {
    if (tried.contains(pod->first)) continue;
    if (best == pods_.end() || Better(pod->second, best->second, now)) best = pod;
  }
  if (best == pods_.end()) return std::nullopt;
  ++best->second.calls;
  best->second.chosen = ++begins_;
  return best->first;
}

void PodChoice::End(PodId id, Outcome outcome, absl::Duration now) {
  const auto found = pods_.find(id);
  if (found == pods_.end()) return;
  Pod& pod = found->second;
  --pod.calls;
  switch (outcome) {
    case Outcome::kWell:
      pod.failures = 0;
      pod.avoided_until = -absl::InfiniteDuration();
      pod.full_until = -absl::InfiniteDuration();
      return;
    case Outcome::kFull:
      pod.full_until = now + kFullTime;
      return;
    case Outcome::kFailed:
      // Calls that break together are one failure.
      if (pod.avoided_until > now) return;
      pod.avoided_until = now + avoid_time_ * (1 << std::min(pod.failures, kMostDoublings));
      ++pod.failures;
      return;
    case Outcome::kNothing:
      pod.full_until = -absl::InfiniteDuration();
      return;
  }
}

size_t PodChoice::avoided(absl::Duration now) const {
  return static_cast<size_t>(std::count_if(pods_.begin(), pods_.end(), [now](const auto& pod) {
    return pod.second.avoided_until > now;
  }));
}

}  // namespace penstock::dispatcher
