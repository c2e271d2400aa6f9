#include "services/cli/key_file.h"

#include <cerrno>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  constexpr size_t kMaxBytes = 64 * 1024;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return absl::ErrnoToStatus(errno == 0 ? EIO : errno, absl::StrCat("cannot read ", path));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

absl::Status WriteNewFile(const std::string& path, absl::string_view text, int permissions) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
  if (file < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", path));
  const ssize_t written = write(file, text.data(), text.size());
  const int failure = errno;
  const bool closed = close(file) == 0;
  if (closed && written == static_cast<ssize_t>(text.size())) return absl::OkStatus();
  return absl::ErrnoToStatus(failure, absl::StrCat("cannot write ", path));
}

}  // namespace penstock::cli
