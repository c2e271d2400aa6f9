// Lines that outlive the process: one JSON object at start and end of every call.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::providersim {

// A file opened with O_APPEND. Thread-safe: one write(2) a line. A failed write ends the process:
// a ledger with holes proves nothing.
class Ledger {
 public:
  static absl::StatusOr<Ledger> Open(const std::string& path);
  // Writes nothing.
  Ledger() = default;
  ~Ledger();
  Ledger(Ledger&& other) noexcept;
  Ledger& operator=(Ledger&& other) noexcept;

  bool enabled() const { return file_ >= 0; }
  // `line` ends with a newline.
  void Append(absl::string_view line);

 private:
  explicit Ledger(int file) : file_(file) {}

  int file_ = -1;
};

}  // namespace penstock::providersim
