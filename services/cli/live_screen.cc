#include "services/cli/live_screen.h"

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

// Of xterm, and understood by all that are in use.
constexpr absl::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr absl::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr absl::string_view kHome = "\x1b[H";
constexpr absl::string_view kClearLine = "\x1b[K";
constexpr absl::string_view kClearBelow = "\x1b[J";
constexpr absl::string_view kNextLine = "\n";
constexpr absl::string_view kBold = "\x1b[1m";
constexpr absl::string_view kPlain = "\x1b[0m";

// At most so many characters of UTF-8 text.
absl::string_view Cut(absl::string_view text, size_t characters) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins_one = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins_one && characters-- == 0) return text.substr(0, i);
  }
  return text;
}

}  // namespace

// A line is cleared before it is written: behind its last character the cursor may still stand on
// it.
std::string FrameOf(const std::vector<ScreenLine>& lines, const ScreenSize& size) {
  const bool fits = lines.size() <= size.rows;
  std::vector<ScreenLine> shown = lines;
  if (!fits) {
    shown.resize(size.rows);
    shown.back() = {absl::StrCat(lines.size() - size.rows + 1, " more lines")};
  }
  std::string frame(kHome);
  for (const ScreenLine& line : shown) {
    absl::StrAppend(&frame, &line == &shown.front() ? "" : kNextLine, kClearLine,
                    line.heading ? kBold : "", Cut(line.text, size.columns),
                    line.heading ? kPlain : "");
  }
  if (shown.size() < size.rows) absl::StrAppend(&frame, kNextLine, kClearBelow);
  return frame;
}

// Keys come one by one and are not shown. Ctrl-C still interrupts; Ctrl-Z, which would leave the
// terminal as it is now, is a key.
LiveScreen::LiveScreen(Console& console) : console_(console) {
  if (console.in_is_terminal() && tcgetattr(STDIN_FILENO, &before_) == 0) {
    keys_ = STDIN_FILENO;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  console_.Out(kEnter);
}

LiveScreen::~LiveScreen() {
  console_.Out(kLeave);
  // Keys that nobody has taken are not for the shell.
  if (console_.in_is_terminal()) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

ScreenSize LiveScreen::size() const {
  winsize window = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) {
    return {};
  }
  return {.rows = window.ws_row, .columns = window.ws_col};
}

void LiveScreen::Show(const std::vector<ScreenLine>& lines) {
  console_.Out(FrameOf(lines, size()));
}

bool LiveScreen::TakeKeys() {
  char keys[64];
  const ssize_t size = read(keys_, keys, sizeof(keys));
  if (size <= 0) keys_ = -1;
  return std::any_of(keys, keys + std::max<ssize_t>(size, 0),
                     [](char key) { return key == 'q' || key == 'Q'; });
}

}  // namespace penstock::cli
