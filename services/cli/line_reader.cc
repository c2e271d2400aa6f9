#include "services/cli/line_reader.h"

#include <cerrno>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace penstock::cli {

LineReader::Outcome LineReader::Next(std::string& line) {
  char chunk[4096];
  pollfd sources[] = {{interrupts_.descriptor(), POLLIN, 0}, {descriptor_, POLLIN, 0}};
  while (!TakeLine(line)) {
    if (ended_) return Outcome::kEnd;
    if (poll(sources, 2, -1) < 0) continue;
    if (sources[0].revents != 0) {
      interrupts_.Take();
      return Outcome::kInterrupted;
    }
    const ssize_t size = read(descriptor_, chunk, sizeof(chunk));
    if (size < 0 && errno == EINTR) continue;
    ended_ = size <= 0;
    if (size > 0) buffer_.append(chunk, static_cast<size_t>(size));
  }
  return Outcome::kLine;
}

bool LineReader::TakeLine(std::string& line) {
  const size_t end = buffer_.find('\n');
  if (end == std::string::npos) {
    if (!ended_ || buffer_.empty()) return false;
    line = std::exchange(buffer_, "");
  } else {
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

}  // namespace penstock::cli
