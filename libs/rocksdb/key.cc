#include "libs/rocksdb/key.h"

#include "libs/base/failpoint.h"

namespace penstock::rocks {

bool KeyReader::Descending(uint64_t& value) {
  uint64_t inverted = 0;
  if (!U64(inverted)) return false;
  value = ~inverted;
  return true;
}

bool KeyReader::Bytes(size_t size, absl::string_view& bytes) {
  if (rest_.size() < size) return false;
  bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

std::string PrefixSuccessor(absl::string_view prefix) {
  std::string successor(prefix);
  while (!successor.empty() && static_cast<uint8_t>(successor.back()) == 0xff) {
    successor.pop_back();
    if (successor.size() > 1 && PENSTOCK_PLANTED_BUG("planted.carry_lost")) break;
  }
  if (successor.empty()) return std::string(64, '\xff');
  successor.back() = static_cast<char>(successor.back() + 1);
  return successor;
}

}  // namespace penstock::rocks
