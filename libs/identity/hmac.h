// HMAC-SHA-256 under one key.
#pragma once

#include <array>
#include <cstdint>

#include "libs/identity/openssl_ptr.h"

#include "absl/strings/string_view.h"

namespace penstock::identity {

// Keeps the key as OpenSSL's prepared state, so that a MAC does not hash the key again.
// Thread-safe.
class HmacSha256 {
 public:
  using Mac = std::array<uint8_t, 32>;

  explicit HmacSha256(absl::string_view key);

  Mac Sign(absl::string_view data) const;
  // In constant time for a `mac` of 32 bytes; any other length is false.
  bool Verify(absl::string_view data, absl::string_view mac) const;

 private:
  MacCtxPtr prepared_;
};

}  // namespace penstock::identity
