#include "libs/http/curl_sockets.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/base/log.h"

namespace penstock::http {
namespace {

uint32_t EventsOf(int what) {
  switch (what) {
    case CURL_POLL_IN:
      return EPOLLIN;
    case CURL_POLL_OUT:
      return EPOLLOUT;
    case CURL_POLL_INOUT:
      return EPOLLIN | EPOLLOUT;
    default:
      return 0;
  }
}

}  // namespace

CurlSockets::CurlSockets() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ >= 0) return;
  Log(Severity::kError, "no epoll for the HTTP client", {{"error", std::strerror(errno)}});
  std::abort();
}

CurlSockets::~CurlSockets() { close(epoll_); }

CurlSockets::Watched& CurlSockets::At(curl_socket_t socket) {
  const auto index = static_cast<size_t>(socket);
  if (index >= sockets_.size()) sockets_.resize(index + 64);
  return sockets_[index];
}

void CurlSockets::Watch(curl_socket_t socket, int what, CurlMulti& multi) {
  Watched& watched = At(socket);
  watched.multi = &multi;
  watched.wanted = EventsOf(what);
  if (watched.wanted != 0) {
    if (watched.registered != watched.wanted) Register(socket, watched, watched.wanted);
    return;
  }
  // A socket that waits to be writable would stir at once.
  if (!watched.ours || watched.registered != EPOLLIN) Register(socket, watched, 0);
}

CurlMulti* CurlSockets::WaiterOf(curl_socket_t socket) {
  Watched& watched = At(socket);
  if (watched.wanted != 0) return watched.multi;
  Register(socket, watched, 0);
  return nullptr;
}

void CurlSockets::Register(curl_socket_t socket, Watched& watched, uint32_t events) {
  if (events == watched.registered) return;
  epoll_event event{};
  event.events = events;
  event.data.fd = socket;
  const int operation =
      events == 0 ? EPOLL_CTL_DEL : (watched.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
  watched.registered = events;
  if (epoll_ctl(epoll_, operation, socket, &event) == 0 || operation == EPOLL_CTL_DEL) return;
  Log(Severity::kError, "the HTTP client cannot watch a socket", {{"error", std::strerror(errno)}});
}

curl_socket_t CurlSockets::Open(const curl_sockaddr& address) {
  const int fd = socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  At(fd) = {.ours = true};
  return fd;
}

int CurlSockets::Close(curl_socket_t socket) {
  // The kernel takes it out of epoll.
  At(socket) = {};
  return close(socket);
}

}  // namespace penstock::http
