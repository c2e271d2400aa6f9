#include "libs/http/loopback_tls.h"

#include <utility>

#include <boost/asio/ssl/impl/src.hpp>  // NOLINT: Asio's TLS is compiled here
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/http/byte_relay.h"

#include "absl/strings/str_cat.h"

namespace penstock::http {

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;
namespace ssl = boost::asio::ssl;

LoopbackTls::LoopbackTls(LoopbackTlsOptions options)
    : options_(std::move(options)),
      protocol_(
          absl::StrCat(std::string(1, static_cast<char>(options_.alpn.size())), options_.alpn)),
      tls_(ssl::context::tls_server),
      acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
  const IssuedCertificate& own = options_.certificate;
  tls_.use_certificate_chain(boost::asio::buffer(own.certificate));
  tls_.use_private_key(boost::asio::buffer(own.key), ssl::context::pem);
  SSL_CTX* const context = tls_.native_handle();
  // So that a test can offer what today's level forbids.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, options_.max_version);
  SSL_CTX_set_alpn_select_cb(context, &LoopbackTls::ChooseProtocol, this);
  Spawn(io_.get_executor(), Accept());
  thread_ = std::thread([this] { io_.run(); });
}

LoopbackTls::~LoopbackTls() {
  io_.stop();
  thread_.join();
}

std::string LoopbackTls::Url(absl::string_view path) const {
  return absl::StrCat("https://127.0.0.1:", port(), path);
}

int LoopbackTls::ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                                const unsigned char* offered, unsigned offered_size, void* self) {
  const std::string& protocol = static_cast<LoopbackTls*>(self)->protocol_;
  unsigned char* selected = nullptr;
  const int result = SSL_select_next_proto(
      &selected, chosen_size, reinterpret_cast<const unsigned char*>(protocol.data()),
      static_cast<unsigned>(protocol.size()), offered, offered_size);
  *chosen = selected;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Awaitable<void> LoopbackTls::Accept() {
  while (true) {
    tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    ++connections_;
    Spawn(io_.get_executor(), Serve(std::move(socket)));
  }
}

Awaitable<void> LoopbackTls::Serve(tcp::socket socket) {
  ssl::stream<tcp::socket> client(std::move(socket), tls_);
  tcp::socket backend(io_);
  try {
    co_await client.async_handshake(ssl::stream_base::server, use_awaitable);
    co_await backend.async_connect(
        {boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(options_.backend_port)},
        use_awaitable);
    backend.set_option(tcp::no_delay(true));
  } catch (const boost::system::system_error&) {
    co_return;  // the client refused us, or nobody is behind us
  }
  ByteRelay<ssl::stream<tcp::socket>, tcp::socket>::Start(io_.get_executor(), std::move(client),
                                                          std::move(backend));
}

}  // namespace penstock::http
