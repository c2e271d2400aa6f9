// TLS before a LoopbackServer or LoopbackHttp2, for tests.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "libs/async/awaitable.h"
#include "libs/http/test_authority.h"

#include "absl/strings/string_view.h"

namespace penstock::http {

struct LoopbackTlsOptions {
  IssuedCertificate certificate;
  // Of this machine, where the decrypted bytes go.
  int backend_port = 0;
  // The one protocol that ALPN may choose: "http/1.1" or "h2".
  std::string alpn = "http/1.1";
  // The newest version it knows, TLS1_3_VERSION and its like.
  int max_version = TLS1_3_VERSION;
};

// A free port of loopback, one thread.
class LoopbackTls {
 public:
  explicit LoopbackTls(LoopbackTlsOptions options);
  ~LoopbackTls();

  // "https://127.0.0.1:PORT" and `path`.
  std::string Url(absl::string_view path) const;
  int port() const { return acceptor_.local_endpoint().port(); }
  // Accepted so far, be their handshakes good or not.
  int connections() const { return connections_; }

 private:
  Awaitable<void> Accept();
  Awaitable<void> Serve(boost::asio::ip::tcp::socket socket);
  static int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                            const unsigned char* offered, unsigned offered_size, void* self);

  const LoopbackTlsOptions options_;
  // ALPN's form: a length before the name.
  const std::string protocol_;
  boost::asio::ssl::context tls_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace penstock::http
