#include "libs/rpc/raw_connection_for_test.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::rpc {
namespace {

using http2::EncodeHeader;
using http2::Frame;
using http2::FrameType;

constexpr absl::string_view kAlpn("\x02h2", 3);
// Of a handshake, and of one write.
constexpr timeval kPatience = {.tv_sec = 20, .tv_usec = 0};

int ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return made;
  close(made);
  return -1;
}

int ConnectTcp(const std::string& port) {
  int number = 0;
  if (!absl::SimpleAtoi(port, &number)) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(number));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return made;
  close(made);
  return -1;
}

std::string LastTlsError() {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return text;
}

void Use(const IssuedPair& pair, SSL_CTX* context) {
  BIO* certificate = BIO_new_mem_buf(pair.certificate.data(), -1);
  BIO* key = BIO_new_mem_buf(pair.key.data(), -1);
  X509* leaf = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
  EVP_PKEY* secret = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
  if (SSL_CTX_use_certificate(context, leaf) != 1 || SSL_CTX_use_PrivateKey(context, secret) != 1) {
    std::abort();
  }
  X509_free(leaf);
  EVP_PKEY_free(secret);
  BIO_free(certificate);
  BIO_free(key);
}

}  // namespace

std::string EncodeCallHeaders(absl::string_view path, absl::string_view more) {
  return absl::StrCat(EncodeHeader(":method", "POST"), EncodeHeader(":scheme", "http"),
                      EncodeHeader(":path", path), EncodeHeader(":authority", "test"),
                      EncodeHeader("te", "trailers"),
                      EncodeHeader("content-type", "application/grpc"), more);
}

void RawTls::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

RawTls::RawTls(const IssuedPair& pair, int highest_version)
    : context_(SSL_CTX_new(TLS_client_method())) {
  if (highest_version != 0) {
    SSL_CTX_set_max_proto_version(context_.get(), highest_version);
    // Otherwise OpenSSL itself would not speak what is old.
    SSL_CTX_set_min_proto_version(context_.get(), 0);
    SSL_CTX_set_security_level(context_.get(), 0);
  }
  SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(kAlpn.data()),
                          static_cast<unsigned int>(kAlpn.size()));
  // A read that finds only what TLS says to itself returns, rather than wait for more.
  SSL_CTX_clear_mode(context_.get(), SSL_MODE_AUTO_RETRY);
  if (!pair.certificate.empty()) Use(pair, context_.get());
}

RawTls::~RawTls() = default;

void RawConnection::Free::operator()(ssl_st* session) const { SSL_free(session); }

absl::StatusOr<RawConnection> RawConnection::Open(const std::string& endpoint, const RawTls* tls) {
  // SSL_write knows no MSG_NOSIGNAL.
  static const auto before = std::signal(SIGPIPE, SIG_IGN);
  static_cast<void>(before);
  RawConnection connection;
  connection.socket_ = absl::StartsWith(endpoint, "unix:")
                           ? ConnectUnix(endpoint.substr(5))
                           : ConnectTcp(endpoint.substr(endpoint.rfind(':') + 1));
  if (connection.socket_ < 0) return absl::UnavailableError(absl::StrCat(endpoint, ": no answer"));
  setsockopt(connection.socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(connection.socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (tls == nullptr) return connection;
  connection.session_.reset(SSL_new(tls->context()));
  SSL_set_fd(connection.session_.get(), connection.socket_);
  if (SSL_connect(connection.session_.get()) == 1) return connection;
  return absl::UnavailableError(LastTlsError());
}

RawConnection::RawConnection(RawConnection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      session_(std::move(other.session_)),
      unread_(std::move(other.unread_)),
      closed_(other.closed_) {}

RawConnection::~RawConnection() {
  if (socket_ >= 0) close(socket_);
}

bool RawConnection::Send(absl::string_view bytes) {
  while (!bytes.empty() && !closed_) {
    const auto written =
        session_ ? SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()))
                 : send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) {
      ERR_clear_error();
      closed_ = true;
    } else {
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }
  return !closed_;
}

bool RawConnection::StartHttp2() {
  return Send(absl::StrCat(http2::kHttp2Preface, http2::Encode({.type = FrameType::kSettings})));
}

bool RawConnection::Read(absl::Duration patience) {
  pollfd waited = {.fd = socket_, .events = POLLIN, .revents = 0};
  const bool buffered = session_ && SSL_pending(session_.get()) > 0;
  const int timeout = static_cast<int>(absl::ToInt64Milliseconds(patience));
  if (!buffered && poll(&waited, 1, std::max(timeout, 0)) <= 0) return false;
  char bytes[16384];
  const auto read = session_ ? SSL_read(session_.get(), bytes, sizeof(bytes))
                             : recv(socket_, bytes, sizeof(bytes), 0);
  if (read <= 0 && session_ &&
      SSL_get_error(session_.get(), static_cast<int>(read)) == SSL_ERROR_WANT_READ) {
    return true;
  }
  if (read <= 0) {
    ERR_clear_error();
    closed_ = true;
    return false;
  }
  unread_.append(bytes, static_cast<size_t>(read));
  return true;
}

std::vector<Frame> RawConnection::Receive(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  for (;;) {
    std::vector<Frame> frames = http2::TakeFrames(unread_);
    if (!frames.empty() || closed_ || !Read(until - absl::Now())) return frames;
  }
}

bool RawConnection::Await(FrameType type, absl::Duration patience, Frame* found) {
  const absl::Time until = absl::Now() + patience;
  while (!closed_ && absl::Now() < until) {
    for (Frame& frame : Receive(until - absl::Now())) {
      if (frame.type != type) continue;
      if (found != nullptr) *found = std::move(frame);
      return true;
    }
  }
  return false;
}

bool RawConnection::AwaitClose(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  while (!closed_ && absl::Now() < until) Receive(until - absl::Now());
  return closed_;
}

void RawConnection::Reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(std::exchange(socket_, -1));
  closed_ = true;
}

}  // namespace penstock::rpc
