// SHA-256 over pieces, without an allocation a hash.
#pragma once

#include <array>
#include <cstdint>

#include <openssl/evp.h>

#include "absl/strings/string_view.h"

namespace penstock::identity {

// One hash at a time on a thread: it borrows the thread's OpenSSL context. A local variable.
class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  // OpenSSL's implementation: looking it up costs more than a short hash, so it is done once.
  static const EVP_MD* Algorithm();

  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view data);
  // Ends it.
  Digest Finish();

 private:
  EVP_MD_CTX* context_;
};

}  // namespace penstock::identity
