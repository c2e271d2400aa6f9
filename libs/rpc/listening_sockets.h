// The sockets of one listener.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::rpc {

class ListeningSockets {
 public:
  // "host:port", one socket for each address of the host, all with one port (0 takes a free one);
  // "[::]:port" takes IPv4 too. "unix:path": what a dead process left there is removed. UNAVAILABLE
  // when no address can be bound: it is in use, or not ours.
  static absl::StatusOr<ListeningSockets> Open(absl::string_view endpoint);

  ListeningSockets(ListeningSockets&& other) noexcept;
  ListeningSockets& operator=(ListeningSockets&&) = delete;
  ~ListeningSockets() { Close(); }

  // Non-blocking.
  const std::vector<int>& descriptors() const { return descriptors_; }
  // As it was asked for, with the port that was taken.
  const std::string& endpoint() const { return endpoint_; }

  // Also removes the file of a Unix socket, unless another process has put its own there.
  void Close();

 private:
  ListeningSockets() = default;

  absl::Status OpenUnix(const std::string& path);
  absl::Status OpenTcp(absl::string_view host, absl::string_view port);

  std::vector<int> descriptors_;
  std::string endpoint_;
  // Empty unless it is a Unix socket.
  std::string unix_path_;
  ino_t unix_inode_ = 0;
};

}  // namespace penstock::rpc
