// Every RPC of the public API as one call that somebody makes with names of their own or of others.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "tests/harness/caller.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::harness {

struct Speaker {
  const Caller& caller;
  // Stands in everything that they say.
  std::string canary;
  // Of the call; a short one ends it anywhere.
  absl::Duration timeout;
  // Streams are left after so many events.
  int events;
  // No other call of the run has it: for ids and request ids.
  std::string unique;
};

// What is asked for.
struct CallNames {
  // "sessions/…".
  std::string session;
  // "sessions/…/turns/…".
  std::string turn;
  // "memories/…".
  std::string memory;
  // A turn makes its session when there is none.
  bool create_session = true;
  // Lines for the simulator.
  std::string directives = {};
};

struct CallAnswer {
  absl::Status status;
  // All responses, serialized.
  std::string bytes = {};
  // Names of what was made.
  std::string turn = {};
  std::string memory = {};

  // Status with all details, and responses.
  std::string Wire() const;
};

struct PublicCall {
  // It names a thing that only its owner has, so to others it is absent.
  bool names_a_thing = true;
  std::function<CallAnswer(const Speaker&, const CallNames&)> make;
};

// By the name of the RPC within its service, "GetTurn": all of them.
const std::map<std::string, PublicCall>& PublicCalls();

}  // namespace penstock::harness
