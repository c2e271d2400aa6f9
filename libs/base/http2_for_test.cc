#include "libs/base/http2_for_test.h"

#include "absl/strings/str_cat.h"

namespace penstock::http2 {
namespace {

constexpr size_t kFrameHeader = 9;

uint32_t ReadBigEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// A length with 7 bits in its first byte (RFC 7541 5.1), not Huffman-coded.
std::string EncodeText(absl::string_view text) {
  std::string length;
  size_t rest = text.size();
  if (rest < 127) return absl::StrCat(BigEndian(rest, 1), text);
  length.push_back(127);
  for (rest -= 127; rest >= 128; rest /= 128) length.push_back(static_cast<char>(rest % 128 + 128));
  length.push_back(static_cast<char>(rest));
  return absl::StrCat(length, text);
}

}  // namespace

std::string BigEndian(uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text.push_back(static_cast<char>(value >> shift));
  }
  return text;
}

std::string Encode(const Frame& frame) {
  return absl::StrCat(BigEndian(frame.payload.size(), 3),
                      BigEndian(static_cast<uint8_t>(frame.type), 1), BigEndian(frame.flags, 1),
                      BigEndian(frame.stream, 4), frame.payload);
}

std::vector<Frame> TakeFrames(std::string& bytes) {
  std::vector<Frame> frames;
  absl::string_view rest = bytes;
  while (rest.size() >= kFrameHeader) {
    const size_t length = ReadBigEndian(rest.substr(0, 3));
    if (rest.size() < kFrameHeader + length) break;
    frames.push_back({.type = static_cast<FrameType>(rest[3]),
                      .flags = static_cast<uint8_t>(rest[4]),
                      .stream = ReadBigEndian(rest.substr(5, 4)) & 0x7fffffffU,
                      .payload = std::string(rest.substr(kFrameHeader, length))});
    rest.remove_prefix(kFrameHeader + length);
  }
  bytes.erase(0, bytes.size() - rest.size());
  return frames;
}

std::string EncodeHeader(absl::string_view name, absl::string_view value) {
  return absl::StrCat(BigEndian(0, 1), EncodeText(name), EncodeText(value));
}

}  // namespace penstock::http2
