#include "libs/identity/sha256.h"

#include <cstdlib>

#include "libs/identity/openssl_ptr.h"

namespace penstock::identity {
namespace {

// Only fails when memory or OpenSSL's default provider is missing.
void Require(bool done) {
  if (!done) std::abort();
}

}  // namespace

const EVP_MD* Sha256::Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

Sha256::Sha256() {
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  context_ = context.get();
  Require(EVP_DigestInit_ex2(context_, Algorithm(), nullptr) == 1);
}

void Sha256::Update(absl::string_view data) {
  Require(EVP_DigestUpdate(context_, data.data(), data.size()) == 1);
}

Sha256::Digest Sha256::Finish() {
  Digest digest;
  Require(EVP_DigestFinal_ex(context_, digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace penstock::identity
