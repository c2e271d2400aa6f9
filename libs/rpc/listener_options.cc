#include "libs/rpc/listener_options.h"

#include "libs/base/proto_time.h"

namespace penstock::rpc {

ListenerOptions ListenerOptionsOf(const config::v1::Config& config, bool is_gateway) {
  ListenerOptions options;
  if (!config.has_server()) return options;
  const config::v1::Server& server = config.server();
  options.max_connections = server.max_connections();
  options.max_concurrent_streams = is_gateway ? server.max_concurrent_streams() : 0;
  options.handshake_timeout = FromProto(server.handshake_timeout());
  options.max_metadata_bytes = server.max_metadata_bytes();
  options.max_connection_idle = FromProto(server.max_connection_idle());
  options.keepalive_time = FromProto(server.keepalive_time());
  options.keepalive_timeout = FromProto(server.keepalive_timeout());
  if (is_gateway) options.max_connection_age = FromProto(server.max_connection_age());
  options.max_connection_age_grace = FromProto(server.max_connection_age_grace());
  options.min_ping_interval = FromProto(server.min_ping_interval());
  return options;
}

}  // namespace penstock::rpc
