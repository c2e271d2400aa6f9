#include "libs/host/admin_server.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/async/awaitable.h"
#include "libs/base/log.h"
#include "libs/base/status_macros.h"
#include "libs/host/admin_answer.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr int kMaxConnections = 64;
constexpr uint32_t kMaxHeaderBytes = 8192;
// More than a header, so that one too large is read and answered, not cut off.
constexpr size_t kMaxBufferBytes = 2 * kMaxHeaderBytes;
constexpr std::chrono::seconds kTimeout{10};
constexpr std::chrono::milliseconds kAcceptPause{100};

// One kind of socket for TCP and Unix.
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol>;
using Stream = beast::basic_stream<Protocol>;
using Request = http::request<http::empty_body>;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

absl::Status CannotListen(const Endpoint& endpoint, const error_code& error) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", endpoint.ToString(), ": ", error.message()));
}

// A socket file outlives a process that was killed. Nothing else than a socket is removed.
void RemoveSocketFile(const std::string& path) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path.c_str());
}

absl::StatusOr<Protocol::endpoint> Resolve(asio::io_context& io, const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    return Protocol::endpoint(asio::local::stream_protocol::endpoint(endpoint.unix_path));
  }
  error_code error;
  asio::ip::tcp::resolver resolver(io);
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port),
                                      asio::ip::tcp::resolver::passive, error);
  if (error || found.empty()) return CannotListen(endpoint, error);
  return Protocol::endpoint(found.begin()->endpoint());
}

uint16_t PortOf(const Protocol::endpoint& address) {
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), address.data(), std::min(address.size(), tcp.capacity()));
  return tcp.port();
}

bool IsMalformed(const error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

AdminAnswer Refusal(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return {.status = 431, .body = "the header is larger than 8192 bytes\n"};
  }
  return {.status = 400, .body = absl::StrCat("bad request: ", error.message(), "\n")};
}

class BeastAdminServer : public AdminServer {
 public:
  BeastAdminServer(Endpoint endpoint, const obs::Metrics& metrics, const Health& health)
      : endpoint_(std::move(endpoint)), metrics_(metrics), health_(health) {}

  ~BeastAdminServer() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    if (endpoint_.is_unix() && acceptor_.is_open()) RemoveSocketFile(endpoint_.unix_path);
  }

  std::string address() const override { return endpoint_.ToString(); }

  absl::Status Open() {
    PENSTOCK_ASSIGN_OR_RETURN(const Protocol::endpoint address, Resolve(io_, endpoint_));
    if (endpoint_.is_unix()) RemoveSocketFile(endpoint_.unix_path);
    error_code error;
    acceptor_.open(address.protocol(), error);
    if (!error && !endpoint_.is_unix()) {
      acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    }
    if (!error) acceptor_.bind(address, error);
    if (!error) acceptor_.listen(kMaxConnections, error);
    if (error) {
      error_code ignored;
      acceptor_.close(ignored);
      return CannotListen(endpoint_, error);
    }
    if (!endpoint_.is_unix()) endpoint_.port = PortOf(acceptor_.local_endpoint());
    return absl::OkStatus();
  }

  void Run() {
    Spawn(io_.get_executor(), Accept());
    thread_ = std::thread([this] { io_.run(); });
  }

 private:
  Awaitable<void> Accept() {
    while (true) {
      auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
      if (error) {
        Log(Severity::kWarning, "admin port: cannot accept", {{"error", error.message()}});
        asio::steady_timer pause(io_, kAcceptPause);
        co_await pause.async_wait(kAsTuple);
      } else if (connections_ < kMaxConnections) {
        ++connections_;
        Spawn(io_.get_executor(), Serve(Stream(std::move(socket))));
      }
    }
  }

  Awaitable<void> Serve(Stream stream) {
    beast::flat_buffer buffer(kMaxBufferBytes);
    bool more = true;
    while (more) more = co_await ServeOne(stream, buffer);
    error_code ignored;
    stream.socket().shutdown(asio::socket_base::shutdown_both, ignored);
    --connections_;
  }

  // Whether the connection may carry another request.
  Awaitable<bool> ServeOne(Stream& stream, beast::flat_buffer& buffer) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    stream.expires_after(kTimeout);
    const auto [error, bytes] = co_await http::async_read(stream, buffer, parser, kAsTuple);
    if (error) {
      if (IsMalformed(error)) co_await Write(stream, Refusal(error), false, false);
      co_return false;
    }
    const Request request = parser.release();
    const auto method = request.method_string();
    const auto target = request.target();
    const AdminAnswer answer = AnswerAdmin({method.data(), method.size()},
                                           {target.data(), target.size()}, metrics_, health_);
    co_return co_await Write(stream, answer, request.method() == http::verb::head,
                             request.keep_alive());
  }

  // False when the connection is over.
  static Awaitable<bool> Write(Stream& stream, AdminAnswer answer, bool head, bool keep_alive) {
    http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
    response.set(http::field::content_type, answer.content_type);
    response.set(http::field::cache_control, "no-store");
    if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(keep_alive);
    response.body() = std::move(answer.body);
    response.prepare_payload();
    if (head) response.body().clear();
    stream.expires_after(kTimeout);
    const auto [error, bytes] = co_await http::async_write(stream, response, kAsTuple);
    co_return keep_alive && !error;
  }

  Endpoint endpoint_;
  const obs::Metrics& metrics_;
  const Health& health_;
  asio::io_context io_{1};
  Acceptor acceptor_{io_};
  // Only on the thread.
  int connections_ = 0;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Listen(const Endpoint& endpoint,
                                                                 const obs::Metrics& metrics,
                                                                 const Health& health) {
  auto server = std::make_unique<BeastAdminServer>(endpoint, metrics, health);
  PENSTOCK_RETURN_IF_ERROR(server->Open());
  server->Run();
  return server;
}

}  // namespace penstock::host
