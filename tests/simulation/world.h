// Virtual time and seeded chance: what happens, in which order, and a trace of it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "libs/base/clock.h"
#include "libs/base/random.h"

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::simulation {

// SplitMix64: the same numbers on every machine.
class Chance : public Random {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}

  uint64_t Next() override;
  bool With(double probability) { return Fraction() < probability; }
  // Both ends included.
  int64_t Between(int64_t least, int64_t most);
  absl::Duration Between(absl::Duration least, absl::Duration most);
  // Of the exponential distribution.
  absl::Duration Around(absl::Duration mean);
  // A stream of its own.
  Chance Fork() { return Chance(Next()); }

 private:
  uint64_t state_;
};

// One thread; time moves only between events. Events of one instant come in random order.
class World : public Clock {
 public:
  using Event = absl::AnyInvocable<void() &&>;
  // When, and a random number that orders those of one instant.
  using EventId = std::pair<absl::Duration, std::pair<uint64_t, uint64_t>>;

  explicit World(uint64_t seed) : chance_(seed) {}

  EventId After(absl::Duration delay, Event event);
  void Cancel(const EventId& id) { events_.erase(id); }
  // Makes the next event happen, unless it is later than `until`; false: there is none.
  bool Step(absl::Duration until);
  void RunUntil(absl::Duration until);

  absl::Time Now() const override { return absl::FromUnixSeconds(1'800'000'000) + now_; }
  absl::Duration Monotonic() const override { return now_; }
  Chance& chance() { return chance_; }
  boost::asio::io_context& io() { return io_; }
  int64_t events() const { return happened_; }

  // Adds to the trace what has just happened.
  void Note(absl::string_view what, absl::string_view of = "");
  // Of all notes and the times of all events: equal for equal runs.
  uint64_t trace_hash() const { return trace_hash_; }
  // Keeps the newest notes, or prints each as it comes.
  void KeepNotes(size_t newest) { kept_ = newest; }
  void PrintNotes() { prints_ = true; }
  std::string NewestNotes() const;

 private:
  void Hash(absl::string_view bytes);

  absl::Duration now_ = absl::ZeroDuration();
  Chance chance_;
  boost::asio::io_context io_;
  std::map<EventId, Event> events_;
  uint64_t next_event_ = 0;
  int64_t happened_ = 0;
  uint64_t trace_hash_ = 0xcbf29ce484222325;
  size_t kept_ = 0;
  bool prints_ = false;
  std::deque<std::string> notes_;
};

}  // namespace penstock::simulation
