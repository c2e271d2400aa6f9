#include "libs/identity/grant_key.h"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "libs/base/status_macros.h"
#include "libs/identity/openssl_ptr.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

constexpr absl::string_view kHowToMakeOne = "make one with `openssl rand -base64 32`";

absl::StatusOr<std::string> DecodeSecret(absl::string_view path, absl::string_view base64) {
  std::string secret;
  if (!absl::Base64Unescape(base64, &secret)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not base64; ", kHowToMakeOne));
  }
  if (secret.size() < kMinGrantKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": found ", secret.size(),
                                                   " bytes, expected at least ", kMinGrantKeyBytes,
                                                   "; ", kHowToMakeOne));
  }
  return secret;
}

OSSL_PARAM Octets(const char* name, absl::string_view bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

std::string KeyId(const HmacSha256& hmac) {
  const HmacSha256::Mac mac = hmac.Sign("penstock grant key id");
  return absl::BytesToHexString({reinterpret_cast<const char*>(mac.data()), 4});
}

// One generation of root and key, of which at least one is set.
struct Generation {
  absl::string_view root_path;
  const std::string& root;
  absl::string_view key_path;
  const std::string& key;
};

absl::StatusOr<std::string> KeyOf(const Generation& generation, absl::string_view audience) {
  std::string derived;
  if (!generation.root.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string root,
                              DecodeSecret(generation.root_path, generation.root));
    derived = DeriveGrantKey(root, audience);
  }
  if (generation.key.empty()) return derived;
  PENSTOCK_ASSIGN_OR_RETURN(std::string key, DecodeSecret(generation.key_path, generation.key));
  if (!derived.empty() && key != derived) {
    return absl::InvalidArgumentError(absl::StrCat(generation.key_path, ": is not the key of \"",
                                                   audience, "\" under ", generation.root_path,
                                                   "; set one of the two"));
  }
  return key;
}

}  // namespace

std::string DeriveGrantKey(absl::string_view root, absl::string_view audience) {
  const std::string info = absl::StrCat("penstock grant v1 ", audience);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      Octets(OSSL_KDF_PARAM_KEY, root),
      Octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end(),
  };
  const KdfPtr hkdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfCtxPtr context(EVP_KDF_CTX_new(hkdf.get()));
  std::string key(32, '\0');
  // Only fails when memory or OpenSSL's default provider is missing.
  if (context == nullptr || EVP_KDF_derive(context.get(), reinterpret_cast<uint8_t*>(key.data()),
                                           key.size(), params) != 1) {
    std::abort();
  }
  return key;
}

absl::StatusOr<std::string> GrantRootOf(const config::v1::Identity& config) {
  if (config.grant_root().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("identity.grant_root: missing; ", kHowToMakeOne,
                                                   " and give gateway and dispatcher the same"));
  }
  return DecodeSecret("identity.grant_root", config.grant_root());
}

absl::StatusOr<GrantKeys> GrantKeysOf(const config::v1::Identity& config,
                                      absl::string_view audience) {
  if (config.grant_key().empty() && config.grant_root().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "identity.grant_key: missing; derive it from the root of gateway and dispatcher with "
        "`penstock token grant-key ",
        audience, "`, or set identity.grant_root"));
  }
  GrantKeys keys;
  PENSTOCK_ASSIGN_OR_RETURN(keys.current, KeyOf({.root_path = "identity.grant_root",
                                                 .root = config.grant_root(),
                                                 .key_path = "identity.grant_key",
                                                 .key = config.grant_key()},
                                                audience));
  if (config.previous_grant_key().empty() && config.previous_grant_root().empty()) return keys;
  PENSTOCK_ASSIGN_OR_RETURN(keys.previous, KeyOf({.root_path = "identity.previous_grant_root",
                                                  .root = config.previous_grant_root(),
                                                  .key_path = "identity.previous_grant_key",
                                                  .key = config.previous_grant_key()},
                                                 audience));
  return keys;
}

GrantKey::GrantKey(absl::string_view key) : hmac(key), id(KeyId(hmac)) {}

}  // namespace penstock::identity
