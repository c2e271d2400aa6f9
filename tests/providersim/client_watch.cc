#include "tests/providersim/client_watch.h"

#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

namespace penstock::providersim {
namespace {

namespace asio = boost::asio;

using Clock = asio::steady_timer::clock_type;

bool HasClosed(Socket& socket) {
  char byte = 0;
  const ssize_t read = recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return read == 0 || (read < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

void ResetConnection(Socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

struct ClientWatch::State {
  explicit State(Socket& socket) : socket(&socket), timer(socket.get_executor()) {}

  // Null when the watch is gone.
  Socket* socket;
  asio::steady_timer timer;
  bool armed = false;
  bool closed = false;
};

ClientWatch::ClientWatch(Socket& socket) : state_(std::make_shared<State>(socket)) {}

ClientWatch::~ClientWatch() { state_->socket = nullptr; }

void ClientWatch::Arm(const std::shared_ptr<State>& state) {
  if (std::exchange(state->armed, true)) return;
  state->socket->async_wait(Socket::wait_read, [state](boost::system::error_code failed) {
    state->armed = false;
    if (failed || state->socket == nullptr || !HasClosed(*state->socket)) return;
    state->closed = true;
    state->timer.cancel();
  });
}

Awaitable<bool> ClientWatch::SleepFor(std::chrono::milliseconds duration) {
  return SleepUntil(Clock::now() + duration);
}

Awaitable<bool> ClientWatch::SleepUntil(Clock::time_point end) {
  Arm(state_);
  while (!state_->closed && Clock::now() < end) {
    state_->timer.expires_at(end);
    co_await state_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return !state_->closed;
}

Awaitable<bool> ClientWatch::SleepUntilWoken() {
  Arm(state_);
  if (state_->closed) co_return false;
  state_->timer.expires_at(Clock::time_point::max());
  co_await state_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return !state_->closed;
}

std::function<void()> ClientWatch::Waker() {
  return [weak = std::weak_ptr(state_), executor = state_->timer.get_executor()] {
    asio::post(executor, [weak] {
      if (auto state = weak.lock()) state->timer.cancel();
    });
  };
}

}  // namespace penstock::providersim
