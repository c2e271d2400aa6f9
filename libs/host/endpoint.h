// An address to listen on or to call: "host:port", "[::1]:7420" or "unix:path".
#pragma once

#include <cstdint>
#include <string>

#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

struct Endpoint {
  // A name or an IP address, without brackets. Empty for a Unix socket.
  std::string host;
  uint16_t port = 0;
  // File of a Unix socket, relative to the working folder unless it begins with a slash.
  std::string unix_path;

  bool is_unix() const { return !unix_path.empty(); }

  // As ParseEndpoint reads it, which is also how gRPC writes it.
  std::string ToString() const;
};

// INVALID_ARGUMENT saying what was found and what is allowed. A port must be given; 0 takes a free
// one.
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text);

// 127.0.0.0/8, ::1, their IPv4-mapped forms, and the name "localhost".
bool IsLoopback(const Endpoint& endpoint);

// FAILED_PRECONDITION when a listener without TLS would be reachable from other machines: it is
// neither loopback nor a Unix socket, and neither tls.cert_file nor endpoints.insecure is set.
absl::Status CheckListener(const Endpoint& endpoint, const config::v1::Config& config);

}  // namespace penstock::host
