// Which of the connections that were handed to gRPC are still open.
#pragma once

#include <cstddef>
#include <unordered_map>

#include <sys/types.h>

namespace penstock::rpc {

// gRPC 1.51 does not say when it closes a connection, so each is remembered by its descriptor and
// the inode of its socket: once the descriptor is closed, or is that of another socket, it has
// ended. That costs a fstat (0.3 µs) a connection and sweep, and cannot be wrong for longer than
// until the next one. A duplicate descriptor would tell at once, but keeps the socket alive after
// gRPC's close, and with it the registration in gRPC's epoll set of an entry that gRPC uses again.
//
// Not thread-safe.
class OpenConnections {
 public:
  // Before `descriptor` is handed over.
  void Add(int descriptor);

  // Forgets those that have ended.
  void Sweep();

  // As of the last sweep, and what was added since.
  size_t count() const { return inodes_.size(); }

 private:
  std::unordered_map<int, ino_t> inodes_;
};

}  // namespace penstock::rpc
