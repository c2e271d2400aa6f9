// Keys whose byte order is the order we want to read them in.
//
// Numbers are big-endian; a number written by Descending sorts from high to low, so that "the last
// N" is a forward scan from a prefix. Every key of a user begins with the 16 bytes of its UserKey.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace penstock::rocks {

// KeyBuilder().Bytes(user.bytes()).Bytes(session).Descending(sequence).Take()
class KeyBuilder {
 public:
  KeyBuilder& U8(uint8_t value) { return Number(value, 1); }
  KeyBuilder& U16(uint16_t value) { return Number(value, 2); }
  KeyBuilder& U32(uint32_t value) { return Number(value, 4); }
  KeyBuilder& U64(uint64_t value) { return Number(value, 8); }
  // 8 bytes; a higher value sorts first.
  KeyBuilder& Descending(uint64_t value) { return Number(~value, 8); }
  // As they are: for parts of a fixed size, and for the last part of a key.
  KeyBuilder& Bytes(absl::string_view bytes) {
    key_.append(bytes.data(), bytes.size());
    return *this;
  }

  std::string Take() { return std::move(key_); }

 private:
  KeyBuilder& Number(uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      key_.push_back(static_cast<char>(value >> shift));
    }
    return *this;
  }

  std::string key_;
};

// Takes a key apart in the order in which it was built. Each call answers false, and leaves its
// argument alone, when the key has fewer bytes left.
class KeyReader {
 public:
  explicit KeyReader(absl::string_view key) : rest_(key) {}

  [[nodiscard]] bool U8(uint8_t& value) { return Number(value, 1); }
  [[nodiscard]] bool U16(uint16_t& value) { return Number(value, 2); }
  [[nodiscard]] bool U32(uint32_t& value) { return Number(value, 4); }
  [[nodiscard]] bool U64(uint64_t& value) { return Number(value, 8); }
  [[nodiscard]] bool Descending(uint64_t& value);
  // The next `size` bytes; they point into the key.
  [[nodiscard]] bool Bytes(size_t size, absl::string_view& bytes);
  absl::string_view rest() const { return rest_; }

 private:
  template <class Integer>
  bool Number(Integer& value, size_t bytes) {
    if (rest_.size() < bytes) return false;
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; ++i) number = number << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(bytes);
    value = static_cast<Integer>(number);
    return true;
  }

  absl::string_view rest_;
};

// The first key after all keys that begin with `prefix`: the end of a scan over them. A prefix of
// nothing but 0xff bytes has none: 64 bytes 0xff, which no key of ours reaches, are answered.
std::string PrefixSuccessor(absl::string_view prefix);

}  // namespace penstock::rocks
