// Lines of standard input.
#pragma once

#include <string>

#include "services/cli/interrupts.h"

namespace penstock::cli {

// Not thread-safe.
class LineReader {
 public:
  enum class Outcome { kLine, kEnd, kInterrupted };

  // Reads `descriptor`, which stays the caller's.
  LineReader(int descriptor, const Interrupts& interrupts)
      : descriptor_(descriptor), interrupts_(interrupts) {}

  // Waits for a line, which goes to `line` without its end; the last one needs none. kEnd at the
  // end of the input; kInterrupted at Ctrl-C.
  Outcome Next(std::string& line);

 private:
  bool TakeLine(std::string& line);

  int descriptor_;
  const Interrupts& interrupts_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace penstock::cli
