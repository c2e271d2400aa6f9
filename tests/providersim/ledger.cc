#include "tests/providersim/ledger.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "libs/base/log.h"

#include "absl/status/status.h"

namespace penstock::providersim {

absl::StatusOr<Ledger> Ledger::Open(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return absl::ErrnoToStatus(errno, "--ledger " + path);
  return Ledger(file);
}

Ledger::~Ledger() {
  if (file_ >= 0) close(file_);
}

Ledger::Ledger(Ledger&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

Ledger& Ledger::operator=(Ledger&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

void Ledger::Append(absl::string_view line) {
  if (write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) return;
  Log(Severity::kError, "ledger: write failed", {{"errno", std::to_string(errno)}});
  std::abort();
}

}  // namespace penstock::providersim
