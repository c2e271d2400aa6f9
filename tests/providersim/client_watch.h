// Waiting, while the client may leave.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/async/awaitable.h"

namespace penstock::providersim {

using Socket = boost::asio::generic::stream_protocol::socket;

// Closes it with a reset, not an end.
void ResetConnection(Socket& socket);

// Ends its waits as soon as the client closes the connection. One thread: the socket's. It looks at
// the socket only once a wait has begun, so an answer without waits costs nothing.
class ClientWatch {
 public:
  explicit ClientWatch(Socket& socket);
  ~ClientWatch();
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;

  // False when the client has closed.
  Awaitable<bool> SleepFor(std::chrono::milliseconds duration);
  Awaitable<bool> SleepUntil(std::chrono::steady_clock::time_point end);
  // Until a waker is called or the client closes; false when it has closed.
  Awaitable<bool> SleepUntilWoken();
  // Ends the wait. May be called from any thread, and after the watch is gone.
  std::function<void()> Waker();

 private:
  struct State;

  static void Arm(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace penstock::providersim
