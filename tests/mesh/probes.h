// For every public RPC, calls whose answers must hold nothing of another user.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/harness/caller.h"
#include "tests/mesh/isolation_world.h"

#include "absl/status/status.h"

namespace penstock::mesh {

// One answer: its status with all details, and the responses, serialized.
struct Seen {
  absl::Status status;
  std::string responses = {};

  // All of it, as bytes.
  std::string Wire() const;
};

struct Probe {
  std::string what;
  // It names a thing that only its owner has: for everybody else it is like absent.
  bool names_a_thing = true;
  // Asks as the owner of `caller`, with names of whoever.
  std::function<Seen(const harness::Caller& caller, const Names& names)> ask;
  // The owner's answer holds something the owner said, so that one who sees too much is found out.
  bool shows_what_was_said = true;
};

// By the full name of the RPC, "penstock.gateway.v1.Turns.GetTurn".
using Probes = std::map<std::string, std::vector<Probe>>;

// Of every RPC that only reads. The owner gets OK and what is theirs.
const Probes& ReadProbes();

// Of every RPC that changes something which exists. Asked for names of others only.
const Probes& WriteProbes();

// RPCs that make something new and name nothing that exists.
const std::vector<std::string>& CreatingRpcs();

}  // namespace penstock::mesh
