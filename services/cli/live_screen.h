// The whole terminal, drawn again in place, until somebody has seen enough.
#pragma once

#include <string>
#include <vector>

#include <termios.h>

#include "services/cli/console.h"
#include "services/cli/screen_line.h"

namespace penstock::cli {

struct ScreenSize {
  size_t rows = 24;
  size_t columns = 80;
};

// What to write so that the lines stand on the screen and nothing else does. Lines that do not fit
// are counted in the last row, longer ones are cut.
std::string FrameOf(const std::vector<ScreenLine>& lines, const ScreenSize& size);

// Takes the terminal from construction to destruction: what stood there comes back then. Standard
// output is a terminal. Not thread-safe.
class LiveScreen {
 public:
  explicit LiveScreen(Console& console);
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // As it is now.
  ScreenSize size() const;
  void Show(const std::vector<ScreenLine>& lines);

  // Readable while a key waits, for poll(2); -1: there is no keyboard.
  int keys() const { return keys_; }
  // Takes the keys that wait; true if q was among them.
  bool TakeKeys();

 private:
  Console& console_;
  int keys_ = -1;
  termios before_ = {};
};

}  // namespace penstock::cli
