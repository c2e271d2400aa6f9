#include "services/cli/console.h"

#include <cerrno>
#include <cstdlib>

#include <unistd.h>

namespace penstock::cli {
namespace {

void WriteAll(int descriptor, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    // Nobody reads any more, or the disk is full: there is nobody to tell, but the caller's shell.
    if (written < 0) std::_Exit(1);
    text.remove_prefix(static_cast<size_t>(written));
  }
}

bool IsTerminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) == 1 && kind != nullptr && absl::string_view(kind) != "dumb";
}

}  // namespace

Console::Console()
    : out_is_terminal_(IsTerminal(STDOUT_FILENO)), in_is_terminal_(IsTerminal(STDIN_FILENO)) {}

void Console::Out(absl::string_view text) { WriteAll(STDOUT_FILENO, text); }

void Console::Notice(absl::string_view text) {
  WriteAll(out_is_terminal_ ? STDOUT_FILENO : STDERR_FILENO, text);
}

void Console::Error(absl::string_view text) { WriteAll(STDERR_FILENO, text); }

}  // namespace penstock::cli
