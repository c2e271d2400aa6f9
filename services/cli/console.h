// Where the command reads and writes: standard input, output and error.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::cli {

// Writes at once, unbuffered. What was asked for goes to standard output; all else to standard
// error, so that `$(penstock ...)` holds the answer alone. Not thread-safe.
class Console {
 public:
  Console();

  void Out(absl::string_view text);
  // On a terminal notices stand among the output, in its order; elsewhere on standard error.
  void Notice(absl::string_view text);
  void Error(absl::string_view text);

  // A person reads the output, and lines can be rewritten.
  bool out_is_terminal() const { return out_is_terminal_; }
  bool in_is_terminal() const { return in_is_terminal_; }

 private:
  bool out_is_terminal_;
  bool in_is_terminal_;
};

}  // namespace penstock::cli
