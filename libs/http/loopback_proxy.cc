#include "libs/http/loopback_proxy.h"

#include <utility>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "libs/http/byte_relay.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

// RFC 1928 and 1929.
constexpr char kSocksVersion = 5;
constexpr char kNoAuthentication = 0;
constexpr char kByPassword = 2;
constexpr char kByName = 3;

size_t Byte(char c) { return static_cast<unsigned char>(c); }

}  // namespace

LoopbackProxy::LoopbackProxy(int backend_port, std::string refusal)
    : backend_port_(backend_port),
      refusal_(std::move(refusal)),
      acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
  Spawn(io_.get_executor(), Accept());
  thread_ = std::thread([this] { io_.run(); });
}

LoopbackProxy::~LoopbackProxy() {
  io_.stop();
  thread_.join();
}

std::string LoopbackProxy::Url(absl::string_view scheme, absl::string_view credentials) const {
  return absl::StrCat(scheme, "://", credentials, credentials.empty() ? "" : "@",
                      "127.0.0.1:", acceptor_.local_endpoint().port());
}

std::vector<std::string> LoopbackProxy::requests() {
  MutexLock lock(mutex_);
  return requests_;
}

void LoopbackProxy::Note(std::string request) {
  MutexLock lock(mutex_);
  requests_.push_back(std::move(request));
}

Awaitable<void> LoopbackProxy::Accept() {
  while (true) {
    tcp::socket client = co_await acceptor_.async_accept(use_awaitable);
    client.set_option(tcp::no_delay(true));
    Spawn(io_.get_executor(), Serve(std::move(client)));
  }
}

Awaitable<void> LoopbackProxy::Serve(tcp::socket client) {
  tcp::socket backend(io_);
  try {
    char first = 0;
    co_await client.async_receive(boost::asio::buffer(&first, 1), tcp::socket::message_peek,
                                  use_awaitable);
    const bool through = first == kSocksVersion ? co_await Socks(client) : co_await Connect(client);
    if (!through) co_return;
    co_await backend.async_connect(
        {boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(backend_port_)},
        use_awaitable);
  } catch (const boost::system::system_error&) {
    co_return;
  }
  ByteRelay<tcp::socket, tcp::socket>::Start(io_.get_executor(), std::move(client),
                                             std::move(backend));
}

Awaitable<bool> LoopbackProxy::Connect(tcp::socket& client) {
  std::string head;
  co_await boost::asio::async_read_until(client, boost::asio::dynamic_buffer(head), "\r\n\r\n",
                                         use_awaitable);
  const bool through = refusal_.empty() && absl::StartsWith(head, "CONNECT ");
  Note(std::move(head));
  if (through) {
    co_await Write(client, "HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n");
  } else {
    co_await Write(client, absl::StrCat("HTTP/1.1 ", refusal_.empty() ? "405 No" : refusal_,
                                        "\r\nContent-Length: 0\r\n\r\n"));
  }
  co_return through;
}

Awaitable<bool> LoopbackProxy::Socks(tcp::socket& client) {
  const std::string greeting = co_await Read(client, 2);
  const std::string methods = co_await Read(client, Byte(greeting[1]));
  std::string credentials;
  const bool asks = absl::StrContains(methods, std::string(1, kByPassword));
  co_await Write(client, {kSocksVersion, asks ? kByPassword : kNoAuthentication});
  if (asks) {
    const std::string user = co_await Read(client, Byte((co_await Read(client, 2))[1]));
    const std::string password = co_await Read(client, Byte((co_await Read(client, 1))[0]));
    credentials = absl::StrCat(" ", user, ":", password);
    co_await Write(client, {1, 0});
  }
  const std::string request = co_await Read(client, 4);
  if (request[3] != kByName) co_return false;
  const std::string name = co_await Read(client, Byte((co_await Read(client, 1))[0]));
  const std::string port = co_await Read(client, 2);
  Note(absl::StrCat("SOCKS ", name, ":", Byte(port[0]) * 256 + Byte(port[1]), credentials));
  // Version, success, reserved, and an IPv4 address and port that nobody reads.
  co_await Write(client, {kSocksVersion, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  co_return true;
}

Awaitable<std::string> LoopbackProxy::Read(tcp::socket& client, size_t size) {
  std::string bytes(size, '\0');
  co_await boost::asio::async_read(client, boost::asio::buffer(bytes), use_awaitable);
  co_return bytes;
}

Awaitable<void> LoopbackProxy::Write(tcp::socket& client, std::string bytes) {
  co_await boost::asio::async_write(client, boost::asio::buffer(bytes), use_awaitable);
}

}  // namespace penstock::http
