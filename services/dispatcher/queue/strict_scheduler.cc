#include "services/dispatcher/queue/strict_scheduler.h"

namespace penstock::dispatcher {

void StrictScheduler::Enqueue(const WaitingEntry& entry, absl::Duration) {
  const Place place{entry.turn_class, entry.seq, entry.id};
  const auto [known, added] = entries_.try_emplace(entry.id, Known{.place = place});
  if (added) Join(known->second);
}

void StrictScheduler::SetClass(EntryId id, chat::v1::TurnClass turn_class) {
  const auto known = entries_.find(id);
  if (known == entries_.end() || known->second.state == State::kStarted) return;
  Leave(known->second);
  std::get<0>(known->second.place) = turn_class;
  Join(known->second);
}

void StrictScheduler::MarkReady(EntryId id) {
  Known* known = Find(id, State::kWaiting);
  if (known == nullptr) return;
  known->state = State::kReady;
  ready_.insert(known->place);
}

void StrictScheduler::Withdraw(EntryId id) {
  const auto known = entries_.find(id);
  if (known == entries_.end()) return;
  Leave(known->second);
  entries_.erase(known);
}

std::vector<EntryId> StrictScheduler::Window(size_t n) {
  std::vector<EntryId> named;
  while (!unnamed_.empty() && line_.order_of_key(*unnamed_.begin()) < n) {
    const EntryId id = std::get<2>(*unnamed_.begin());
    unnamed_.erase(unnamed_.begin());
    entries_.find(id)->second.named = true;
    named.push_back(id);
  }
  return named;
}

std::optional<EntryId> StrictScheduler::Pick(absl::Duration) const {
  if (ready_.empty()) return std::nullopt;
  return std::get<2>(*ready_.begin());
}

void StrictScheduler::Start(EntryId id, absl::Duration) {
  Known* known = Find(id, State::kReady);
  if (known == nullptr) return;
  Leave(*known);
  known->state = State::kStarted;
}

void StrictScheduler::Requeue(EntryId id) {
  Known* known = Find(id, State::kStarted);
  if (known == nullptr) return;
  known->state = State::kWaiting;
  Join(*known);
}

void StrictScheduler::Settle(EntryId id, const chat::v1::Usage&) {
  if (Find(id, State::kStarted) != nullptr) entries_.erase(id);
}

int64_t StrictScheduler::Position(EntryId id) const {
  const auto known = entries_.find(id);
  if (known == entries_.end() || known->second.state == State::kStarted) return 0;
  return static_cast<int64_t>(line_.order_of_key(known->second.place)) + 1;
}

int64_t StrictScheduler::PositionOfNext(chat::v1::TurnClass turn_class) const {
  const Place behind_class{turn_class + 1, std::numeric_limits<int64_t>::min(), 0};
  return static_cast<int64_t>(line_.order_of_key(behind_class)) + 1;
}

StrictScheduler::Known* StrictScheduler::Find(EntryId id, State state) {
  const auto known = entries_.find(id);
  return known != entries_.end() && known->second.state == state ? &known->second : nullptr;
}

void StrictScheduler::Join(Known& entry) {
  line_.insert(entry.place);
  if (entry.state == State::kReady) ready_.insert(entry.place);
  if (!entry.named) unnamed_.insert(entry.place);
}

void StrictScheduler::Leave(const Known& entry) {
  line_.erase(entry.place);
  ready_.erase(entry.place);
  unnamed_.erase(entry.place);
}

}  // namespace penstock::dispatcher
