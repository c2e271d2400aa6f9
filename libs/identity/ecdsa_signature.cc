#include "libs/identity/ecdsa_signature.h"

namespace penstock::identity {
namespace {

constexpr size_t kIntegerBytes = 32;
constexpr char kSequence = 0x30;
constexpr char kInteger = 0x02;

// A positive DER integer has no leading zeros but the one that keeps its first bit clear.
void AppendInteger(absl::string_view big_endian, std::string& der) {
  const absl::string_view digits = big_endian.substr(big_endian.find_first_not_of('\0'));
  const bool sign_bit = (static_cast<unsigned char>(digits[0]) & 0x80) != 0;
  der.push_back(kInteger);
  der.push_back(static_cast<char>(digits.size() + (sign_bit ? 1 : 0)));
  if (sign_bit) der.push_back('\0');
  der.append(digits.data(), digits.size());
}

// The integer at `at`, without leading zeros; moves past it.
absl::string_view TakeInteger(absl::string_view der, size_t& at) {
  const auto size = static_cast<size_t>(der[at + 1]);
  absl::string_view digits = der.substr(at + 2, size);
  at += 2 + size;
  while (digits.size() > kIntegerBytes) digits.remove_prefix(1);
  return digits;
}

}  // namespace

std::optional<std::string> EcdsaRawToDer(absl::string_view raw) {
  if (raw.size() != 2 * kIntegerBytes) return std::nullopt;
  const absl::string_view r = raw.substr(0, kIntegerBytes);
  const absl::string_view s = raw.substr(kIntegerBytes);
  if (r.find_first_not_of('\0') == r.npos || s.find_first_not_of('\0') == s.npos) {
    return std::nullopt;
  }
  std::string der;
  der.reserve(72);
  der.append({kSequence, 0});
  AppendInteger(r, der);
  AppendInteger(s, der);
  der[1] = static_cast<char>(der.size() - 2);
  return der;
}

std::string EcdsaDerToRaw(absl::string_view der) {
  size_t at = 2;
  std::string raw;
  for (int i = 0; i < 2; ++i) {
    const absl::string_view integer = TakeInteger(der, at);
    raw.append(kIntegerBytes - integer.size(), '\0');
    raw.append(integer.data(), integer.size());
  }
  return raw;
}

}  // namespace penstock::identity
