#include "services/cli/utf8.h"

#include <cstdint>

namespace penstock::cli {
namespace {

// Bytes of the character that `lead` begins; 0 when it begins none.
size_t LengthOf(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

// The second byte rules out overlong forms, surrogates and what lies above U+10FFFF.
bool IsSecond(uint8_t lead, uint8_t second) {
  const uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= lowest && second <= highest;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const auto lead = static_cast<uint8_t>(text[0]);
    const size_t length = LengthOf(lead);
    if (length == 0 || length > text.size()) return false;
    if (length > 1 && !IsSecond(lead, static_cast<uint8_t>(text[1]))) return false;
    for (size_t i = 2; i < length; ++i) {
      if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace penstock::cli
