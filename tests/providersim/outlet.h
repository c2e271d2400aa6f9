// Where the bytes of one answer leave.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "libs/async/awaitable.h"
#include "tests/providersim/client_watch.h"

namespace penstock::providersim {

// One answer, on the socket's thread. Borrows socket and watch.
class Outlet {
 public:
  Outlet(Socket& socket, ClientWatch& watch) : socket_(socket), watch_(watch) {}

  // From now on a byte at a time, with a pause between two; 0: none.
  void Drip(std::chrono::milliseconds pause) { drip_ = pause; }
  // In one write, unless it drips. False when the client has closed.
  Awaitable<bool> Write(std::string head, std::string bytes);
  void Reset() { ResetConnection(socket_); }

  // Something was sent.
  bool used() const { return used_; }

 private:
  Awaitable<bool> WriteByteByByte(std::string bytes);

  Socket& socket_;
  ClientWatch& watch_;
  std::optional<std::chrono::milliseconds> drip_;
  bool used_ = false;
};

}  // namespace penstock::providersim
