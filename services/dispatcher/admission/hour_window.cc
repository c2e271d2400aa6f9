#include "services/dispatcher/admission/hour_window.h"

namespace penstock::dispatcher {
namespace {

constexpr int64_t kMinutes = 60;

int64_t MinuteOf(absl::Time time) {
  return absl::ToUnixSeconds(absl::UnixEpoch() +
                             absl::Floor(time - absl::UnixEpoch(), absl::Minutes(1))) /
         60;
}

// When turns of that minute no longer count.
absl::Time EndOf(int64_t minute) {
  return absl::UnixEpoch() + absl::Minutes(minute + kMinutes + 1);
}

}  // namespace

void DropOldMinutes(absl::Time now, Minutes& minutes) {
  int old = 0;
  while (old < minutes.size() && EndOf(minutes[old].minute()) <= now) ++old;
  minutes.DeleteSubrange(0, old);
}

void AddTurn(absl::Time accepted, Minutes& minutes) {
  const int64_t minute = MinuteOf(accepted);
  int at = minutes.size();
  while (at > 0 && minutes[at - 1].minute() > minute) --at;
  if (at > 0 && minutes[at - 1].minute() == minute) {
    auto& same = minutes[at - 1];
    same.set_turns(same.turns() + 1);
    return;
  }
  auto* added = minutes.Add();
  added->set_minute(minute);
  added->set_turns(1);
  // Submissions that overlap may come out of order at the turn of a minute.
  for (int i = minutes.size() - 1; i > at; --i) minutes.SwapElements(i, i - 1);
}

void RemoveTurn(absl::Time accepted, Minutes& minutes) {
  const int64_t minute = MinuteOf(accepted);
  for (int i = 0; i < minutes.size(); ++i) {
    if (minutes[i].minute() != minute) continue;
    minutes[i].set_turns(minutes[i].turns() - 1);
    if (minutes[i].turns() == 0) minutes.DeleteSubrange(i, 1);
    return;
  }
}

int64_t TurnsIn(const Minutes& minutes) {
  int64_t turns = 0;
  for (const auto& minute : minutes) turns += minute.turns();
  return turns;
}

absl::Duration UntilFewerThan(int64_t limit, absl::Time now, const Minutes& minutes) {
  int64_t turns = TurnsIn(minutes);
  absl::Time until = now;
  for (const auto& minute : minutes) {
    if (turns < limit) break;
    turns -= minute.turns();
    until = EndOf(minute.minute());
  }
  return until - now;
}

}  // namespace penstock::dispatcher
