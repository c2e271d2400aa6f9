#include "libs/http/loopback_server.h"

#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

tcp::endpoint AnyLoopbackPort() { return {boost::asio::ip::address_v4::loopback(), 0}; }

}  // namespace

Awaitable<void> LoopbackExchange::Respond(int status, std::string header_lines, std::string body) {
  co_await SendRaw(absl::StrCat("HTTP/1.1 ", status, " Status\r\n", header_lines,
                                "Content-Length: ", body.size(), "\r\n\r\n", body));
  keep_ = true;
}

Awaitable<void> LoopbackExchange::StartChunks(int status, std::string header_lines) {
  co_await SendRaw(absl::StrCat("HTTP/1.1 ", status, " Status\r\n", header_lines,
                                "Transfer-Encoding: chunked\r\n\r\n"));
}

Awaitable<void> LoopbackExchange::Chunk(std::string bytes) {
  co_await SendRaw(absl::StrCat(absl::Hex(bytes.size()), "\r\n", bytes, "\r\n"));
}

Awaitable<void> LoopbackExchange::EndChunks() {
  co_await SendRaw("0\r\n\r\n");
  keep_ = true;
}

Awaitable<void> LoopbackExchange::SendRaw(std::string bytes) {
  co_await boost::asio::async_write(socket_, boost::asio::buffer(bytes), use_awaitable);
}

void LoopbackExchange::Close() { socket_.close(); }

void LoopbackExchange::Reset() {
  socket_.set_option(boost::asio::socket_base::linger(true, 0));
  socket_.close();
}

Awaitable<void> LoopbackExchange::WaitForClose() {
  char byte = 0;
  try {
    while (true) {
      co_await socket_.async_read_some(boost::asio::buffer(&byte, 1), use_awaitable);
    }
  } catch (const boost::system::system_error&) {
  }
}

LoopbackServer::LoopbackServer(Handler handler)
    : handler_(std::move(handler)), acceptor_(io_, AnyLoopbackPort()) {
  Spawn(io_.get_executor(), Accept());
  thread_ = std::thread([this] { io_.run(); });
}

LoopbackServer::~LoopbackServer() {
  io_.stop();
  thread_.join();
}

std::string LoopbackServer::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port(), path);
}

Awaitable<void> LoopbackServer::Accept() {
  while (true) {
    tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    ++connections_;
    Spawn(io_.get_executor(), Serve(std::move(socket)));
  }
}

Awaitable<void> LoopbackServer::Serve(tcp::socket socket) {
  boost::beast::flat_buffer buffer;
  try {
    while (true) {
      LoopbackExchange exchange(socket);
      co_await boost::beast::http::async_read(socket, buffer, exchange.request, use_awaitable);
      co_await handler_(exchange);
      if (!exchange.keep()) co_return;
    }
  } catch (const boost::system::system_error&) {
    // The client is gone.
  }
}

int UnusedPort() {
  boost::asio::io_context io;
  return tcp::acceptor(io, AnyLoopbackPort()).local_endpoint().port();
}

}  // namespace penstock::http
