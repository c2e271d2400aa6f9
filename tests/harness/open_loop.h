// Turns that begin at times fixed before, whether others have ended or not, and what became of
// each.
//
// A generator that waits for answers offers less just when the system is slow; this one is late at
// most by what its own machine costs it, and says how late.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "penstock/chat/v1/turn.pb.h"
#include "tests/harness/mesh.h"
#include "tests/harness/tokens.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::harness {

// One turn to come.
struct Arrival {
  // From the start of the run.
  absl::Duration due;
  TokenUser user;
  // "sessions/…", made when it does not exist.
  std::string session;
  std::string text;
  chat::v1::Urgency urgency = chat::v1::NORMAL;
};

// What became of it. Durations are from the moment it was due.
struct Fate {
  // How late it was sent.
  absl::Duration late;
  // Until Accepted came, or the refusal.
  absl::Duration answered;
  // Accepted. Not so: `status` says why it was refused.
  bool accepted = false;
  // What Accepted said.
  chat::v1::Queue told = {};
  std::optional<absl::Duration> started = std::nullopt;
  std::optional<absl::Duration> first_delta = std::nullopt;
  absl::Duration ended = {};
  // Of the stream.
  absl::Status status = absl::OkStatus();
  // As it ended.
  chat::v1::Turn turn = {};

  bool succeeded() const { return turn.state() == chat::v1::Turn::SUCCEEDED; }
};

// Sends them all, in whatever order they are given, each when it is due, over `connections`
// connections, and waits until each has ended. Fates in the order of the arrivals.
std::vector<Fate> RunOpenLoop(const Mesh& mesh, const std::vector<Arrival>& arrivals,
                              int connections = 4);

// Times of a Poisson process with `rate` arrivals a second in [from, to). The same for a seed.
std::vector<absl::Duration> PoissonTimes(double rate, absl::Duration from, absl::Duration to,
                                         unsigned seed);

// The value below which a part of them lies, 0 to 1; zero of none.
absl::Duration Quantile(std::vector<absl::Duration> values, double part);

}  // namespace penstock::harness
