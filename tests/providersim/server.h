// The listening socket and the threads behind it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "libs/async/awaitable.h"
#include "libs/base/clock.h"
#include "tests/providersim/client_watch.h"
#include "tests/providersim/options.h"
#include "tests/providersim/simulator.h"

#include "absl/status/statusor.h"

namespace penstock::providersim {

// A connection lives on one of the threads from its first byte to its last.
class Server {
 public:
  // Listens on return. kInvalidArgument for a bad address, else what the system says. Rate limits
  // go by `clock`, which outlives the server; waits go by the system's.
  static absl::StatusOr<std::unique_ptr<Server>> Open(Options options,
                                                      const Clock& clock = SystemClock());
  ~Server();

  // "127.0.0.1:7430" or "unix:/run/sim".
  const std::string& address() const { return address_; }
  // "http://127.0.0.1:7430/v1", or the address itself when it is a Unix socket.
  std::string url() const;

  // Serves until Stop, with the calling thread as one of options.threads.
  void Run();
  // From any thread. Streams that are open are dropped.
  void Stop();
  // Stops on SIGINT and SIGTERM; for a program, not for a test.
  void StopOnSignals();

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

  Server(Options options, Ledger ledger, uint64_t seed, const Clock& clock);
  absl::Status Listen();
  Awaitable<void> Accept();

  // Before the contexts: they end the calls that are still open when they go.
  Simulator simulator_;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  Acceptor acceptor_;
  std::string address_;
};

}  // namespace penstock::providersim
