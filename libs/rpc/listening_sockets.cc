#include "libs/rpc/listening_sockets.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::rpc {
namespace {

// The kernel takes less where net.core.somaxconn says so.
constexpr int kBacklog = 4096;

absl::Status CannotListen(absl::string_view endpoint, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", endpoint, ": ", why,
      "; the address is in use or not ours: end what listens there, or choose another one"));
}

void SetOption(int socket, int level, int name, int value) {
  setsockopt(socket, level, name, &value, sizeof(value));
}

// -1, and errno, when it cannot be had.
int Listen(const sockaddr* address, socklen_t size) {
  const int listener = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  if (address->sa_family != AF_UNIX) {
    // A port that is left in TIME_WAIT can be taken again. A second process on the same port would
    // be a mistake, not a way to share the load: no SO_REUSEPORT.
    SetOption(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    // Inherited by what is accepted.
    SetOption(listener, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  if (address->sa_family == AF_INET6) SetOption(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(listener, address, size) == 0 && listen(listener, kBacklog) == 0) return listener;
  const int error = errno;
  close(listener);
  errno = error;
  return -1;
}

uint16_t PortOf(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  // The port stands at the same place for both families.
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

void SetPort(sockaddr* address, uint16_t port) {
  reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
}

bool IsSocket(const std::string& path, struct stat& found) {
  return lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

bool SomeoneListens(const sockaddr_un& address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const int connected =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  // EAGAIN: its backlog is full.
  const bool listens = connected == 0 || errno == EAGAIN;
  close(probe);
  return listens;
}

}  // namespace

absl::StatusOr<ListeningSockets> ListeningSockets::Open(absl::string_view endpoint) {
  ListeningSockets sockets;
  sockets.endpoint_ = std::string(endpoint);
  if (absl::ConsumePrefix(&endpoint, "unix:")) {
    PENSTOCK_RETURN_IF_ERROR(sockets.OpenUnix(std::string(endpoint)));
    return sockets;
  }
  const size_t colon = endpoint.rfind(':');
  if (colon == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("found \"", endpoint, "\", allowed \"host:port\" or \"unix:path\""));
  }
  PENSTOCK_RETURN_IF_ERROR(sockets.OpenTcp(endpoint.substr(0, colon), endpoint.substr(colon + 1)));
  return sockets;
}

absl::Status ListeningSockets::OpenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(endpoint_, ": found a path of ", path.size(),
                                                   " bytes, allowed 1 to ",
                                                   sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat found{};
  if (IsSocket(path, found)) {
    if (SomeoneListens(address)) return CannotListen(endpoint_, "another process listens there");
    unlink(path.c_str());
  }
  const int listener = Listen(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (listener < 0) return CannotListen(endpoint_, std::strerror(errno));
  descriptors_.push_back(listener);
  unix_path_ = path;
  if (IsSocket(path, found)) unix_inode_ = found.st_ino;
  return absl::OkStatus();
}

absl::Status ListeningSockets::OpenTcp(absl::string_view host, absl::string_view port) {
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* resolved = nullptr;
  const int error =
      getaddrinfo(std::string(host).c_str(), std::string(port).c_str(), &hints, &resolved);
  if (error != 0) return CannotListen(endpoint_, gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(resolved, &freeaddrinfo);
  uint16_t taken = 0;
  int failed = 0;
  for (const addrinfo* next = resolved; next != nullptr; next = next->ai_next) {
    if (taken != 0) SetPort(next->ai_addr, taken);
    const int listener = Listen(next->ai_addr, next->ai_addrlen);
    if (listener < 0) {
      failed = errno;
      continue;
    }
    descriptors_.push_back(listener);
    taken = PortOf(listener);
  }
  // A host without IPv6 still has its other addresses; one whose port is taken is a mistake.
  if (descriptors_.empty() || failed == EADDRINUSE) {
    return CannotListen(endpoint_, std::strerror(failed));
  }
  endpoint_ =
      absl::StrCat(absl::string_view(endpoint_).substr(0, endpoint_.rfind(':')), ":", taken);
  return absl::OkStatus();
}

ListeningSockets::ListeningSockets(ListeningSockets&& other) noexcept
    : descriptors_(std::exchange(other.descriptors_, {})),
      endpoint_(std::move(other.endpoint_)),
      unix_path_(std::exchange(other.unix_path_, {})),
      unix_inode_(other.unix_inode_) {}

void ListeningSockets::Close() {
  for (const int listener : std::exchange(descriptors_, {})) close(listener);
  struct stat found{};
  const std::string path = std::exchange(unix_path_, {});
  if (!path.empty() && IsSocket(path, found) && found.st_ino == unix_inode_) unlink(path.c_str());
}

}  // namespace penstock::rpc
