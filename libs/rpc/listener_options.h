// What a listener bears, and how its connections are secured.
#pragma once

#include <memory>

#include <grpcpp/security/server_credentials.h>

#include "libs/obs/metrics.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/time/time.h"

namespace penstock::rpc {

// The defaults are those of the settings `server.*`, whose comments say what each means.
struct ListenerOptions {
  // Null: plaintext.
  std::shared_ptr<grpc::ServerCredentials> credentials = nullptr;
  int max_connections = 20'000;
  // 0: not bounded.
  int max_concurrent_streams = 0;
  absl::Duration handshake_timeout = absl::Seconds(10);
  int max_metadata_bytes = 8 << 10;
  absl::Duration max_connection_idle = absl::Hours(1);
  absl::Duration keepalive_time = absl::Seconds(60);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  absl::Duration min_ping_interval = absl::Seconds(10);
  absl::Duration max_connection_age = absl::InfiniteDuration();
  absl::Duration max_connection_age_grace = absl::Hours(24);
  // Outlives the listener; null: of no interest.
  obs::Metrics* metrics = nullptr;
};

// The gateway alone bounds the calls of one connection, for a dispatcher runs all its turns over
// one; and it alone ages them: gRPC 1.51 may cut the last answer of an old connection off, and only
// callers of the gateway can take it up again. A configuration without the section, which no file
// gives, has the defaults.
ListenerOptions ListenerOptionsOf(const config::v1::Config& config, bool is_gateway);

}  // namespace penstock::rpc
