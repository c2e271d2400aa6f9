// All that was seen of a run, by callers and by the provider, and what was wrong on the way.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"
#include "tests/harness/history.h"
#include "tests/simulation/world.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::simulation {

// What callers know of one acknowledged turn, beside its history.
struct TurnSeen {
  std::string tenant;
  std::string user;
  std::string request_id;
  absl::Time deadline = absl::InfiniteFuture();
  // Somebody has asked for its end.
  bool cancel_asked = false;
  // Its caller has been away, or was cut off, and did not ask for it to go on.
  bool was_unwatched = false;
  // Answers that the provider has made for it, as text.
  std::set<std::string> answers = {};
};

class Witness {
 public:
  explicit Witness(World& world) : world_(world) {}

  // Something is wrong.
  void Accuse(absl::string_view rule, absl::string_view subject, absl::string_view why);
  const std::vector<std::string>& offences() const { return offences_; }

  // By name.
  std::map<std::string, TurnSeen>& turns() { return turns_; }
  harness::History& history() { return history_; }
  // Off: long runs remember nothing but what is wrong.
  bool remembers() const { return remembers_; }
  void RememberNothing() { remembers_ = false; }

  // Until now something was down, or cut off.
  void Trouble() { last_trouble_ = world_.Now(); }
  absl::Time last_trouble() const { return last_trouble_; }

 private:
  World& world_;
  bool remembers_ = true;
  std::vector<std::string> offences_;
  std::map<std::string, TurnSeen> turns_;
  harness::History history_;
  absl::Time last_trouble_ = absl::InfinitePast();
};

// All words of a turn's assistant, in order.
std::string WordsOf(const chat::v1::Turn& turn);
std::string WordsOf(const chat::v1::Message& message);
// As the judge wants it.
harness::SeenEvent SeenOf(const chat::v1::TurnEvent& event);

}  // namespace penstock::simulation
