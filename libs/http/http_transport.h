// How a server is reached: what all requests to it have in common.
#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"

namespace penstock::http {

// Streams that the client opens on one HTTP/2 connection; a server may allow fewer.
inline constexpr int kMaxStreamsPerConnection = 100;

enum class HttpVersion {
  // One request at a time on a connection.
  kHttp1,
  // Over TLS: HTTP/2, if the server chooses it (ALPN), otherwise HTTP/1.1.
  kNegotiated,
};

enum class TransportEvent {
  // A socket was opened, be it for a connection that is then refused.
  kConnectionOpened,
  // A request goes out on a connection that was there.
  kConnectionReused,
  // A socket was closed.
  kConnectionClosed,
  // An answer was cut at max_answer_bytes of its request.
  kAnswerTooLarge,
};

// Connections are shared by the requests of one HttpTransport object, and by no others. A client
// keeps it to its own end; it does not change once a request has used it.
struct HttpTransport {
  HttpVersion version = HttpVersion::kHttp1;
  // HTTP/2: connections to one server; a request that finds no room waits, within its
  // connect_timeout. Connections over max_connection_age that end their streams do not count.
  int max_connections = 16;
  // Idle connections kept for the next request. Where HTTP/1.1 is negotiated: connections to one
  // server, too.
  int max_kept_connections = 1024;
  // No request goes out on a connection that is older: names are then resolved anew, and ca_file is
  // read again.
  absl::Duration max_connection_age = absl::Minutes(10);
  // PEM file of the certificates that may vouch for the server; empty: the system's.
  std::string ca_file = {};
  // "http://host:port" (by CONNECT, also to a plain server) or "socks5h://host:port", either with
  // user:password@; empty: none.
  std::string proxy = {};
  // Called on the client's thread, also while the client ends; must not block.
  std::function<void(TransportEvent)> on_event = {};
};

}  // namespace penstock::http
