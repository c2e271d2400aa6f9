// An HTTP server for tests: loopback, a free port, one thread, and a coroutine that plays the
// server's part byte by byte.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "libs/async/awaitable.h"

#include "absl/strings/string_view.h"

namespace penstock::http {

// One request and the connection to answer it on. The methods throw when the connection is gone,
// which ends the coroutine and the connection.
class LoopbackExchange {
 public:
  explicit LoopbackExchange(boost::asio::ip::tcp::socket& socket) : socket_(socket) {}

  boost::beast::http::request<boost::beast::http::string_body> request;

  // A whole answer; the connection is kept.
  Awaitable<void> Respond(int status, std::string header_lines, std::string body);
  // A chunked answer: header lines end with \r\n. The connection is kept after EndChunks.
  Awaitable<void> StartChunks(int status, std::string header_lines);
  Awaitable<void> Chunk(std::string bytes);
  Awaitable<void> EndChunks();
  Awaitable<void> SendRaw(std::string bytes);
  // Ends the connection in order, as an idle one is ended.
  void Close();
  // Ends the connection with RST.
  void Reset();
  // Returns when the client has closed the connection.
  Awaitable<void> WaitForClose();

  bool keep() const { return keep_; }

 private:
  boost::asio::ip::tcp::socket& socket_;
  bool keep_ = false;
};

class LoopbackServer {
 public:
  // Called for each request; lives as long as the server, so it may be a capturing lambda.
  using Handler = std::function<Awaitable<void>(LoopbackExchange&)>;

  explicit LoopbackServer(Handler handler);
  ~LoopbackServer();

  std::string Url(absl::string_view path) const;
  int port() const { return acceptor_.local_endpoint().port(); }
  int connections() const { return connections_; }

 private:
  Awaitable<void> Accept();
  Awaitable<void> Serve(boost::asio::ip::tcp::socket socket);

  Handler handler_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

// A port of this machine on which nobody listens.
int UnusedPort();

}  // namespace penstock::http
