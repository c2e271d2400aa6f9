#include "libs/identity/jwk_text.h"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "libs/identity/base64url.h"
#include "libs/identity/openssl_ptr.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::identity {
namespace {

// In quotes; `bytes` 0: as short as it goes.
std::string Number(const EVP_PKEY& key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(&key, name, &number) != 1) std::abort();
  const BnPtr owned(number);
  std::string text(static_cast<size_t>(bytes > 0 ? bytes : BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()),
               static_cast<int>(text.size()));
  return absl::StrCat("\"", EncodeBase64Url(text), "\"");
}

}  // namespace

std::string JwkOf(const std::string& public_pem, const JwkMembers& members) {
  const BioPtr bio(BIO_new_mem_buf(public_pem.data(), static_cast<int>(public_pem.size())));
  const PkeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) std::abort();
  JwkMembers all;
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    all = {{"kty", "\"RSA\""},
           {"n", Number(*key, OSSL_PKEY_PARAM_RSA_N, 0)},
           {"e", Number(*key, OSSL_PKEY_PARAM_RSA_E, 0)}};
  } else {
    const int bytes = (EVP_PKEY_get_bits(key.get()) + 7) / 8;
    all = {{"kty", "\"EC\""},
           {"crv", "\"P-256\""},
           {"x", Number(*key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)},
           {"y", Number(*key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)}};
  }
  for (const auto& [name, value] : members) {
    if (value.empty()) {
      all.erase(name);
    } else {
      all[name] = value;
    }
  }
  const auto member = [](std::string* out, const auto& entry) {
    absl::StrAppend(out, "\"", entry.first, "\":", entry.second);
  };
  return absl::StrCat("{", absl::StrJoin(all, ",", member), "}");
}

std::string JwkSetOf(const std::vector<std::string>& jwks) {
  return absl::StrCat(R"({"keys":[)", absl::StrJoin(jwks, ","), "]}");
}

PublishedPair MakePublishedPair(JwtAlgorithm algorithm, const std::string& kid) {
  const KeyPem pem = GenerateKeyPem(algorithm).value();
  return {
      .signer = JwtSigner::Create(algorithm, pem.private_key, kid).value(),
      .jwk = JwkOf(pem.public_key, {{"kid", absl::StrCat("\"", kid, "\"")}, {"use", "\"sig\""}})};
}

}  // namespace penstock::identity
