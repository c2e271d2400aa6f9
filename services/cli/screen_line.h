// A line of a screen that is drawn as a whole.
#pragma once

#include <string>

namespace penstock::cli {

struct ScreenLine {
  // Without its end, and without characters that move the cursor.
  std::string text;
  // Stands out.
  bool heading = false;
};

}  // namespace penstock::cli
