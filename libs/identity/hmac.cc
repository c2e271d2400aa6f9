#include "libs/identity/hmac.h"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

namespace penstock::identity {
namespace {

// Only fails when memory or OpenSSL's default provider is missing.
void Require(bool done) {
  if (!done) std::abort();
}

}  // namespace

HmacSha256::HmacSha256(absl::string_view key) {
  const MacPtr algorithm(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  Require(algorithm != nullptr);
  prepared_.reset(EVP_MAC_CTX_new(algorithm.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  Require(prepared_ != nullptr &&
          EVP_MAC_init(prepared_.get(), reinterpret_cast<const unsigned char*>(key.data()),
                       key.size(), params) == 1);
}

HmacSha256::Mac HmacSha256::Sign(absl::string_view data) const {
  const MacCtxPtr context(EVP_MAC_CTX_dup(prepared_.get()));
  Mac mac;
  size_t size = 0;
  Require(context != nullptr &&
          EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(data.data()),
                         data.size()) == 1 &&
          EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) == 1 && size == mac.size());
  return mac;
}

bool HmacSha256::Verify(absl::string_view data, absl::string_view mac) const {
  const Mac expected = Sign(data);
  return mac.size() == expected.size() &&
         CRYPTO_memcmp(mac.data(), expected.data(), expected.size()) == 0;
}

}  // namespace penstock::identity
