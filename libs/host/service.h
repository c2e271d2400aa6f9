// One of the five services as its process sees it: something that starts, serves, drains and stops.
#pragma once

#include <string>
#include <vector>

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::host {

// The process calls Start, Drain and Stop once each, in this order and on its main thread, which is
// no worker of the io_context: they may block. Drain and Stop are called only after a Start that
// returned OK; Reload, on the same thread, only between Start and Drain.
class Service {
 public:
  // After Stop. Nothing of the service runs any more, so nothing needs to be waited for.
  virtual ~Service() = default;

  // "session-state": in logs, in the ready line and in /readyz.
  virtual absl::string_view name() const = 0;

  // Opens stores and listeners, recovers. When it returns OK the service takes requests. An error
  // stops the process with exit code 1; its message is all that an operator sees.
  virtual absl::Status Start() = 0;

  // Where it listens, after Start, with the port it really got: {"127.0.0.1:7420"}, {"unix:gw"}.
  virtual std::vector<std::string> Listening() const { return {}; }

  // OK, or why its own stores cannot serve now ("the journal cannot be written"). Says nothing
  // about other services: a probe must not spread an outage. Thread-safe, must not block; called
  // only between Start and Stop.
  virtual absl::Status Ready() const { return absl::OkStatus(); }

  // Takes over the sections queue, tenants and tiers of a checked configuration; in the others, and
  // in Environment::config, nothing has changed. Not kept beyond the call.
  virtual void Reload(const config::v1::Config& /*config*/) {}

  // Refuses new work and waits until running work is done, at most `timeout`.
  virtual void Drain(absl::Duration timeout) = 0;

  // Ends what is left, closes listeners and stores. When it returns, no thread and no coroutine
  // uses the service any more.
  virtual void Stop() = 0;
};

}  // namespace penstock::host
