// A proxy for tests, by CONNECT and by SOCKS 5, that leads everywhere to one server.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "libs/async/awaitable.h"
#include "libs/base/mutex.h"

#include "absl/strings/string_view.h"

namespace penstock::http {

// A free port of loopback, one thread.
class LoopbackProxy {
 public:
  // `backend_port`: of this machine, whatever name the client asks for. `refusal`: the answer to
  // every CONNECT, "407 Proxy Authentication Required"; empty: it is let through.
  explicit LoopbackProxy(int backend_port, std::string refusal = "");
  ~LoopbackProxy();

  // "http://CREDENTIALS@127.0.0.1:PORT"; "" leaves them out.
  std::string Url(absl::string_view scheme, absl::string_view credentials = "") const;
  // What clients asked for: whole heads of CONNECT requests; "SOCKS name:port", with
  // " user:password" behind it when the client gave them.
  std::vector<std::string> requests();

 private:
  using Socket = boost::asio::ip::tcp::socket;

  Awaitable<void> Accept();
  Awaitable<void> Serve(Socket client);
  // Each: the dialogue before the bytes of the server; false when that is all.
  Awaitable<bool> Connect(Socket& client);
  Awaitable<bool> Socks(Socket& client);
  Awaitable<std::string> Read(Socket& client, size_t size);
  Awaitable<void> Write(Socket& client, std::string bytes);
  void Note(std::string request);

  const int backend_port_;
  const std::string refusal_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Mutex mutex_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::http
