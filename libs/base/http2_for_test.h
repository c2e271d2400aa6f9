// The frames of HTTP/2 (RFC 9113), by hand: for clients and servers that do what the usual ones
// never do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::http2 {

enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

struct Frame {
  FrameType type;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload = {};
};

// Flags.
inline constexpr uint8_t kEndStream = 0x1;
inline constexpr uint8_t kAck = 0x1;
inline constexpr uint8_t kEndHeaders = 0x4;

inline constexpr absl::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Encode(const Frame& frame);

// A number of so many bytes, as in payloads.
std::string BigEndian(uint64_t value, int bytes);

// Takes the complete frames off the front of `bytes`.
std::vector<Frame> TakeFrames(std::string& bytes);

// One header, as a literal that no table keeps (RFC 7541 6.2.2).
std::string EncodeHeader(absl::string_view name, absl::string_view value);

}  // namespace penstock::http2
