#include "services/provider_adapter/utf8_repair.h"

#include <algorithm>
#include <cstdint>

namespace penstock::provider_adapter {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

struct Range {
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

uint8_t At(absl::string_view text, size_t index) { return static_cast<uint8_t>(text[index]); }

// Bytes of the character that begins with `lead`; 0 when none does (RFC 3629 section 4).
size_t LengthOf(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

// What the second byte may be: no overlong forms, no surrogates, nothing above U+10FFFF.
Range SecondOf(uint8_t lead) {
  switch (lead) {
    case 0xE0:
      return {.low = 0xA0};
    case 0xED:
      return {.high = 0x9F};
    case 0xF0:
      return {.low = 0x90};
    case 0xF4:
      return {.high = 0x8F};
    default:
      return {};
  }
}

// The bytes of `text`, at most `length`, that can belong to the character it begins with.
size_t GoodBytes(absl::string_view text, size_t length) {
  size_t good = 1;
  for (; good < std::min(length, text.size()); ++good) {
    const Range range = good == 1 ? SecondOf(At(text, 0)) : Range{};
    if (At(text, good) < range.low || At(text, good) > range.high) break;
  }
  return good;
}

// Length of the longest beginning of `text` that is whole, valid characters.
size_t ValidPrefix(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = LengthOf(At(text, at));
    if (length == 0 || GoodBytes(text.substr(at), length) < length) break;
    at += length;
  }
  return at;
}

}  // namespace

absl::string_view Utf8Repair::Take(absl::string_view text) {
  if (held_.empty() && ValidPrefix(text) == text.size()) return text;
  held_.append(text.data(), text.size());
  repaired_.clear();
  absl::string_view rest = held_;
  while (!rest.empty()) {
    const size_t valid = ValidPrefix(rest);
    repaired_.append(rest.data(), valid);
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    const size_t length = LengthOf(At(rest, 0));
    const size_t good = length == 0 ? 1 : GoodBytes(rest, length);
    if (length != 0 && good == rest.size()) break;  // may be completed
    repaired_.append(kReplacement.data(), kReplacement.size());
    rest.remove_prefix(good);
  }
  held_.erase(0, held_.size() - rest.size());
  return repaired_;
}

absl::string_view Utf8Repair::End() {
  if (held_.empty()) return {};
  held_.clear();
  return kReplacement;
}

std::string RepairUtf8(absl::string_view text) {
  Utf8Repair repair;
  std::string whole(repair.Take(text));
  const absl::string_view rest = repair.End();
  return whole.append(rest.data(), rest.size());
}

}  // namespace penstock::provider_adapter
