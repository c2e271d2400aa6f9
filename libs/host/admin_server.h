// The admin port: health and metrics over HTTP/1.1, without user content and therefore without TLS.
#pragma once

#include <memory>
#include <string>

#include "libs/host/endpoint.h"
#include "libs/host/health.h"
#include "libs/obs/metrics.h"

#include "absl/status/statusor.h"

namespace penstock::host {

// Serves from Listen to its destruction, on one thread of its own: probes and scrapes neither wait
// for turns nor hold them up. Bounds: 64 connections (more are closed at once), 8 KiB of header, no
// request body, 10 s for a request to arrive and for an answer to be taken.
class AdminServer {
 public:
  // UNAVAILABLE naming the address when it cannot be listened on. `metrics` and `health` must
  // outlive the server. The socket file of a Unix address is replaced, and removed at the end.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Listen(const Endpoint& endpoint,
                                                             const obs::Metrics& metrics,
                                                             const Health& health);

  virtual ~AdminServer() = default;

  // With the port that it really got.
  virtual std::string address() const = 0;
};

}  // namespace penstock::host
