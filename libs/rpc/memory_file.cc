#include "libs/rpc/memory_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

bool WriteAll(int descriptor, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

absl::Status Failed(int descriptor) {
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  return absl::ErrnoToStatus(error, "a file in memory cannot be written");
}

}  // namespace

MemoryFile::~MemoryFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status MemoryFile::Set(absl::string_view text) {
  const int next = memfd_create("penstock", MFD_CLOEXEC);
  if (next < 0 || !WriteAll(next, text)) return Failed(next);
  const timespec version = {.tv_sec = version_ + 1, .tv_nsec = 0};
  const timespec times[] = {version, version};
  if (futimens(next, times) != 0) return Failed(next);
  if (descriptor_ < 0) {
    descriptor_ = next;
  } else {
    // Takes the place of the old one in one step.
    if (dup3(next, descriptor_, O_CLOEXEC) < 0) return Failed(next);
    close(next);
  }
  ++version_;
  return absl::OkStatus();
}

std::string MemoryFile::path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

}  // namespace penstock::rpc
