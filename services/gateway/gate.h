// Lets public calls in until the gateway drains, and tells those inside when it stops.
#pragma once

#include <atomic>
#include <optional>
#include <stop_token>
#include <utility>

#include "libs/async/live_count.h"

#include "absl/status/status.h"

namespace penstock::gateway {

// Thread-safe.
class Gate {
 public:
  // To be held for as long as the call lasts; nullopt once the gate is closed.
  std::optional<LiveCount::Holder> Enter();

  void Close() { closed_ = true; }
  int64_t inside() const { return inside_.count(); }

  // Stops when everything inside is to end.
  std::stop_token stopping() const { return stopping_.get_token(); }
  void StopAll() { stopping_.request_stop(); }

  // UNAVAILABLE (DRAINING).
  static absl::Status Draining();

 private:
  std::atomic<bool> closed_ = false;
  std::stop_source stopping_;
  LiveCount inside_;
};

// A token that stops when either of two does.
class EitherStop {
 public:
  EitherStop(std::stop_token a, std::stop_token b)
      : a_(std::move(a), Stop{source_}), b_(std::move(b), Stop{source_}) {}

  std::stop_token token() const { return source_.get_token(); }

 private:
  struct Stop {
    std::stop_source& source;
    void operator()() const { source.request_stop(); }
  };

  std::stop_source source_;
  std::stop_callback<Stop> a_;
  std::stop_callback<Stop> b_;
};

}  // namespace penstock::gateway
