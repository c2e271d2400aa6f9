#include "tests/simulation/world.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace penstock::simulation {

uint64_t Chance::Next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

int64_t Chance::Between(int64_t least, int64_t most) {
  const uint64_t span = static_cast<uint64_t>(most - least) + 1;
  return least + static_cast<int64_t>(Next() % span);
}

absl::Duration Chance::Between(absl::Duration least, absl::Duration most) {
  return absl::Nanoseconds(
      Between(absl::ToInt64Nanoseconds(least), absl::ToInt64Nanoseconds(most)));
}

absl::Duration Chance::Around(absl::Duration mean) { return mean * -std::log(1 - Fraction()); }

World::EventId World::After(absl::Duration delay, Event event) {
  const EventId id(now_ + std::max(delay, absl::ZeroDuration()), {chance_.Next(), next_event_++});
  events_.emplace(id, std::move(event));
  return id;
}

bool World::Step(absl::Duration until) {
  const auto next = events_.begin();
  if (next == events_.end() || next->first.first > until) return false;
  now_ = next->first.first;
  Event event = std::move(next->second);
  events_.erase(next);
  ++happened_;
  const int64_t time = absl::ToInt64Nanoseconds(now_);
  Hash({reinterpret_cast<const char*>(&time), sizeof(time)});
  std::move(event)();
  return true;
}

void World::RunUntil(absl::Duration until) {
  while (Step(until)) {
  }
  now_ = std::max(now_, until);
}

void World::Note(absl::string_view what, absl::string_view of) {
  Hash(what);
  Hash(of);
  if (kept_ == 0 && !prints_) return;
  notes_.push_back(absl::StrFormat("%12.6f  %s  %s", absl::ToDoubleSeconds(now_), what, of));
  if (prints_) std::printf("%s\n", notes_.back().c_str());
  while (notes_.size() > kept_) notes_.pop_front();
}

std::string World::NewestNotes() const { return absl::StrJoin(notes_, "\n"); }

void World::Hash(absl::string_view bytes) {
  for (const char c : bytes) {
    trace_hash_ = (trace_hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
}

}  // namespace penstock::simulation
