#include "services/memory_recall/memory_id.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::memory_recall {
namespace {

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

bool IsMemoryId(absl::string_view id) {
  if (id.size() != 36) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? id[i] != '-' : !IsHexDigit(id[i])) return false;
  }
  return true;
}

std::string BytesOfId(absl::string_view id) {
  return absl::HexStringToBytes(absl::StrReplaceAll(id, {{"-", ""}}));
}

std::string IdOfBytes(absl::string_view bytes) {
  const std::string hex = absl::BytesToHexString(bytes);
  const absl::string_view digits = hex;
  return absl::StrCat(digits.substr(0, 8), "-", digits.substr(8, 4), "-", digits.substr(12, 4), "-",
                      digits.substr(16, 4), "-", digits.substr(20));
}

}  // namespace penstock::memory_recall
