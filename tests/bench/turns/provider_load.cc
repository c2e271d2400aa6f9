#include "tests/bench/turns/provider_load.h"

#include <array>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::bench {
namespace {

int Connect(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(socket);
    return -1;
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

bool SendAll(int socket, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

struct ProviderLoad::Connection {
  explicit Connection(int descriptor) : socket(descriptor) {}
  ~Connection() { ::close(socket); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int socket;
  std::string received = {};
  Outcome outcome = {};
  Observer observer = {};
};

absl::StatusOr<std::unique_ptr<ProviderLoad>> ProviderLoad::Create(absl::string_view address,
                                                                   absl::string_view body) {
  const std::vector<absl::string_view> parts = absl::StrSplit(address, ':');
  int port = 0;
  if (parts.size() != 2 || parts[0] != "127.0.0.1" || !absl::SimpleAtoi(parts[1], &port)) {
    return absl::InvalidArgumentError(
        absl::StrCat("provider ", address, ": expected 127.0.0.1:PORT"));
  }
  return std::unique_ptr<ProviderLoad>(new ProviderLoad(
      port, absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\nhost: ", address,
                         "\r\ncontent-type: application/json\r\ncontent-length: ", body.size(),
                         "\r\n\r\n", body)));
}

ProviderLoad::ProviderLoad(int port, std::string request)
    : port_(port),
      request_(std::move(request)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, stop_, &event);
  thread_ = std::thread([this] { Work(); });
}

ProviderLoad::~ProviderLoad() {
  ::eventfd_write(stop_, 1);
  thread_.join();
  ::close(stop_);
  ::close(epoll_);
}

void ProviderLoad::Begin(int64_t /*number*/, SteadyClock::time_point due, Observer observer) {
  Connection* connection = Take();
  if (connection == nullptr) {
    return observer.done({.due = due, .end = SteadyClock::now(), .error = "connect"});
  }
  connection->received.clear();
  connection->outcome = {.due = due, .end = due};
  connection->observer = std::move(observer);
  const int socket = connection->socket;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.ptr = connection;
  // Whatever goes wrong while sending, the reading side learns it too.
  SendAll(socket, request_);
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event);
}

ProviderLoad::Connection* ProviderLoad::Take() {
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      Connection* connection = idle_.back();
      idle_.pop_back();
      return connection;
    }
  }
  const int socket = Connect(port_);
  if (socket < 0) return nullptr;
  auto made = std::make_unique<Connection>(socket);
  Connection* connection = made.get();
  epoll_event event{};
  event.events = 0;
  event.data.ptr = connection;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
  MutexLock lock(mutex_);
  all_.emplace(connection, std::move(made));
  return connection;
}

void ProviderLoad::Work() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
      if (connection == nullptr) return;
      Receive(*connection);
    }
  }
}

void ProviderLoad::Receive(Connection& connection) {
  std::array<char, 16384> bytes;
  const ssize_t count = ::recv(connection.socket, bytes.data(), bytes.size(), 0);
  if (count <= 0) return End(connection, "connection lost");
  connection.received.append(bytes.data(), static_cast<size_t>(count));
  if (!connection.outcome.first_token && absl::StrContains(connection.received, "\"t1")) {
    connection.outcome.first_token = SteadyClock::now();
    if (connection.observer.first_token) connection.observer.first_token();
  }
  if (absl::EndsWith(connection.received, "\r\n0\r\n\r\n")) {
    const bool good = absl::StartsWith(connection.received, "HTTP/1.1 200 ") &&
                      absl::StrContains(connection.received, "data: [DONE]");
    return End(connection, good ? "" : connection.received.substr(0, 12));
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.ptr = &connection;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event);
}

void ProviderLoad::End(Connection& connection, std::string error) {
  Outcome outcome = std::move(connection.outcome);
  const Observer observer = std::move(connection.observer);
  outcome.end = SteadyClock::now();
  outcome.error = std::move(error);
  {
    MutexLock lock(mutex_);
    if (outcome.error.empty()) {
      idle_.push_back(&connection);
    } else {
      all_.erase(&connection);
    }
  }
  observer.done(outcome);
}

}  // namespace penstock::bench
