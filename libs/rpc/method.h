// What all calls of one RPC share on the server: who may call, on which threads its handler runs,
// and how it is counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/async/live_count.h"
#include "libs/base/clock.h"
#include "libs/identity/authenticator.h"
#include "libs/obs/metrics.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::rpc {

class PeerPolicy;

// What every RPC of one service shares. The references outlive the server.
struct ServerEnvironment {
  Executor executor;
  const identity::Authenticator& authenticator;
  Clock& clock;
  obs::Metrics& metrics;
  // Which certificates may call; null: the listener has no TLS.
  const PeerPolicy* callers = nullptr;
  // Of all methods: from their arrival until gRPC is done with them.
  std::shared_ptr<LiveCount> calls = std::make_shared<LiveCount>();
};

// One RPC of one service. Thread-safe.
class Method {
 public:
  // `name` as in the proto, "SessionState/BeginTurn".
  Method(const ServerEnvironment& environment, std::string name);

  const ServerEnvironment& environment() const { return environment_; }
  const std::string& name() const { return name_; }
  int64_t live_calls() const { return live_; }

  void CountStart();
  void CountEnd(const absl::Status& status, absl::Duration taken);

 private:
  // Codes 0 to 16 of google.rpc.Code.
  static constexpr int kCodes = 17;

  const ServerEnvironment& environment_;
  const std::string name_;
  std::atomic<int64_t> live_ = 0;
  std::array<std::atomic<prometheus::Counter*>, kCodes> ended_{};
  prometheus::Gauge& live_gauge_;
  prometheus::Histogram& seconds_;
};

}  // namespace penstock::rpc
