// Any bytes, split anywhere, give the same events as the bytes in one piece, or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "libs/http/sse_parser.h"

namespace {

using penstock::http::SseEvent;
using penstock::http::SseParser;

constexpr size_t kMaxBytes = 256;

// The events of `pieces`; a parser that refuses says so in the last one.
std::vector<std::string> Parse(const std::vector<absl::string_view>& pieces) {
  SseParser parser(kMaxBytes);
  std::vector<std::string> events;
  for (const absl::string_view piece : pieces) {
    const absl::Status status = parser.Feed(piece, [&](const SseEvent& event) {
      std::string text(event.type);
      text.append("|").append(event.data.data(), event.data.size());
      events.push_back(text.append("|").append(event.id.data(), event.id.size()));
      return true;
    });
    if (status.ok()) continue;
    events.push_back("refused");
    break;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t step = data[0] % 7 + 1;
  const absl::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<absl::string_view> pieces;
  for (size_t at = 0; at < input.size(); at += step) pieces.push_back(input.substr(at, step));
  if (Parse(pieces) != Parse({input})) std::abort();
  return 0;
}
