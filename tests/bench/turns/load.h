// What the pacing drives: calls that begin at a given moment and tell how they went.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace penstock::bench {

using SteadyClock = std::chrono::steady_clock;

// How one turn went, counted from the moment it was due.
struct Outcome {
  SteadyClock::time_point due;
  SteadyClock::time_point end;
  std::optional<SteadyClock::time_point> first_token = std::nullopt;
  // Empty: it succeeded. Otherwise a short reason, the same for all of a kind.
  std::string error = "";
};

// Both are called on a thread of the load and must not block.
struct Observer {
  std::function<void(const Outcome&)> done;
  std::function<void()> first_token = nullptr;
};

// Thread-safe.
class Load {
 public:
  virtual ~Load() = default;

  // Begins turn `number`; the number decides user, session and text.
  virtual void Begin(int64_t number, SteadyClock::time_point due, Observer observer) = 0;
};

}  // namespace penstock::bench
