#include "libs/rpc/open_connections.h"

#include <sys/stat.h>

namespace penstock::rpc {
namespace {

// 0 when it is not open.
ino_t InodeOf(int descriptor) {
  struct stat found{};
  return fstat(descriptor, &found) == 0 ? found.st_ino : 0;
}

}  // namespace

void OpenConnections::Add(int descriptor) { inodes_[descriptor] = InodeOf(descriptor); }

void OpenConnections::Sweep() {
  std::erase_if(inodes_, [](const auto& entry) { return InodeOf(entry.first) != entry.second; });
}

}  // namespace penstock::rpc
