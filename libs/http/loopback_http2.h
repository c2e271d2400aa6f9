// An HTTP/2 server for tests (RFC 9113, without TLS: put LoopbackTls before it), whose part is
// played frame by frame. It does not read request headers: streams are told apart by their order.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"

#include "absl/strings/string_view.h"

namespace penstock::http {

class Http2Connection;

// One request and its answer. On the server's thread. What is sent after the end of the stream or
// the connection is dropped.
class Http2Stream {
 public:
  Http2Stream(std::weak_ptr<Http2Connection> connection, uint32_t id);

  // Called once, when the client has reset the stream or closed the connection before its end.
  std::function<void()> on_end = [] {};

  // Counts from 0 over all connections of the server, in the order in which requests were complete.
  int number = 0;
  // Of its connection; the first is 1.
  uint32_t id() const { return id_; }

  void Headers(int status);
  // `ends`: the last piece.
  void Data(absl::string_view bytes, bool ends = false);
  void Reset(uint32_t error_code);
  // Of the connection: streams above `last_stream` were not looked at, new ones are not wanted.
  void GoAway(uint32_t last_stream);
  // Returns when on_end is called, which must come before the end of the server. Call it once.
  Awaitable<void> WaitForEnd();

 private:
  friend class Http2Connection;

  void TellEnd();
  // Null when this stream, if `ends` from now on, is over.
  std::shared_ptr<Http2Connection> Open(bool ends) const;

  const std::weak_ptr<Http2Connection> connection_;
  const uint32_t id_;
  OneShot<bool> ended_;
};

class LoopbackHttp2 {
 public:
  // Called for each request that is complete; lives as long as the server.
  using Handler = std::function<Awaitable<void>(std::shared_ptr<Http2Stream>)>;

  // `max_streams`: what it allows on a connection at a time, and says so; more are refused.
  explicit LoopbackHttp2(Handler handler, uint32_t max_streams = 100);
  ~LoopbackHttp2();

  int port() const { return acceptor_.local_endpoint().port(); }
  // Accepted so far, and open now.
  int connections() const { return connections_; }
  int open_connections() const { return open_; }

 private:
  friend class Http2Connection;

  Awaitable<void> Accept();

  const Handler handler_;
  const uint32_t max_streams_;
  std::atomic<int> connections_ = 0;
  std::atomic<int> open_ = 0;
  int next_number_ = 0;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

}  // namespace penstock::http
