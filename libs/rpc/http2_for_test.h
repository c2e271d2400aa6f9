// HTTP/2 by hand, for what a gRPC client never does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::rpc {

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

inline constexpr uint8_t kEndStream = 0x1;
inline constexpr uint8_t kAck = 0x1;
inline constexpr uint8_t kEndHeaders = 0x4;

inline constexpr absl::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Encode(const Frame& frame);

// Takes the complete frames off the front of `bytes`.
std::vector<Frame> TakeFrames(std::string& bytes);

// One header, as a literal that no table keeps (RFC 7541 6.2.2).
std::string EncodeHeader(absl::string_view name, absl::string_view value);

// The headers of a gRPC call of `path`, with `more` behind them.
std::string EncodeCallHeaders(absl::string_view path, absl::string_view more = "");

}  // namespace penstock::rpc
