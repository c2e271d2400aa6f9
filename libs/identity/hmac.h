// HMAC-SHA-256 under one key (RFC 2104).
#pragma once

#include <array>
#include <cstdint>

#include "libs/identity/openssl_ptr.h"

#include "absl/strings/string_view.h"

namespace penstock::identity {

// Keeps the hash states after the key's two pads, so that a MAC begins with a copy of them: 0.4 µs
// for a grant, where OpenSSL's EVP_MAC takes 1.1 µs (as it copies more). Thread-safe.
class HmacSha256 {
 public:
  using Mac = std::array<uint8_t, 32>;

  explicit HmacSha256(absl::string_view key);

  Mac Sign(absl::string_view data) const;
  // In constant time for a `mac` of 32 bytes; any other length is false.
  bool Verify(absl::string_view data, absl::string_view mac) const;

 private:
  MdCtxPtr inner_;
  MdCtxPtr outer_;
};

}  // namespace penstock::identity
