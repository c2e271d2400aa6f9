#include "libs/identity/hmac.h"

#include <algorithm>
#include <cstdlib>

#include <openssl/crypto.h>

#include "libs/identity/sha256.h"

namespace penstock::identity {
namespace {

constexpr size_t kBlockBytes = 64;
using Block = std::array<uint8_t, kBlockBytes>;

// Only fails when memory or OpenSSL's default provider is missing.
void Require(bool done) {
  if (!done) std::abort();
}

// The key filled up with zeros; a longer one is hashed first.
Block KeyBlock(absl::string_view key) {
  Block block{};
  if (key.size() <= kBlockBytes) {
    std::copy(key.begin(), key.end(), block.begin());
    return block;
  }
  Sha256 hash;
  hash.Update(key);
  const Sha256::Digest digest = hash.Finish();
  std::copy(digest.begin(), digest.end(), block.begin());
  return block;
}

MdCtxPtr StateAfterPad(Block block, uint8_t pad) {
  for (uint8_t& byte : block) byte ^= pad;
  MdCtxPtr context(EVP_MD_CTX_new());
  Require(EVP_DigestInit_ex2(context.get(), Sha256::Algorithm(), nullptr) == 1 &&
          EVP_DigestUpdate(context.get(), block.data(), block.size()) == 1);
  OPENSSL_cleanse(block.data(), block.size());
  return context;
}

void HashOnFrom(const EVP_MD_CTX* state, const void* data, size_t size, HmacSha256::Mac& digest) {
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  Require(EVP_MD_CTX_copy_ex(context.get(), state) == 1 &&
          EVP_DigestUpdate(context.get(), data, size) == 1 &&
          EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
}

}  // namespace

HmacSha256::HmacSha256(absl::string_view key) {
  Block block = KeyBlock(key);
  inner_ = StateAfterPad(block, 0x36);
  outer_ = StateAfterPad(block, 0x5c);
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha256::Mac HmacSha256::Sign(absl::string_view data) const {
  Mac inner;
  HashOnFrom(inner_.get(), data.data(), data.size(), inner);
  Mac mac;
  HashOnFrom(outer_.get(), inner.data(), inner.size(), mac);
  return mac;
}

bool HmacSha256::Verify(absl::string_view data, absl::string_view mac) const {
  const Mac expected = Sign(data);
  return mac.size() == expected.size() &&
         CRYPTO_memcmp(mac.data(), expected.data(), expected.size()) == 0;
}

}  // namespace penstock::identity
