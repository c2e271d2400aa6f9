#include "libs/identity/jwt_issuer.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "libs/identity/token_refusal.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

constexpr size_t kMaxTenantBytes = 128;

absl::Status Invalid(absl::string_view path, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", message));
}

absl::Status CheckTenants(const config::v1::Issuer& config, absl::string_view path) {
  if (config.tenants().empty()) {
    return Invalid(absl::StrCat(path, ".tenants"), "empty; name the tenants its tokens may be for");
  }
  for (int i = 0; i < config.tenants_size(); ++i) {
    if (config.tenants(i).empty() || config.tenants(i).size() > kMaxTenantBytes) {
      return Invalid(absl::StrCat(path, ".tenants[", i, "]"),
                     absl::StrCat("found ", config.tenants(i).size(), " bytes, allowed 1 to ",
                                  kMaxTenantBytes));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<JwtKey>> ReadKeys(const config::v1::Issuer& config,
                                             absl::string_view path) {
  if (config.keys().empty()) {
    return Invalid(absl::StrCat(path, ".keys"), "empty; add the key its tokens are signed with");
  }
  std::vector<JwtKey> keys;
  absl::flat_hash_set<absl::string_view> kids;
  for (int i = 0; i < config.keys_size(); ++i) {
    const config::v1::Key& key = config.keys(i);
    const std::string key_path = absl::StrCat(path, ".keys[", i, "]");
    if (key.kid().empty() && config.keys_size() > 1) {
      return Invalid(absl::StrCat(key_path, ".kid"),
                     "missing; an issuer with several keys tells them apart by `kid`");
    }
    if (!kids.insert(key.kid()).second) {
      return Invalid(absl::StrCat(key_path, ".kid"),
                     absl::StrCat("\"", absl::CHexEscape(key.kid()),
                                  "\" is there twice; one `kid` names one key"));
    }
    PENSTOCK_ASSIGN_OR_RETURN(JwtKey ready, JwtKey::Create(key, key_path));
    keys.push_back(std::move(ready));
  }
  return keys;
}

}  // namespace

absl::StatusOr<JwtIssuer> JwtIssuer::Create(const config::v1::Issuer& config,
                                            absl::string_view path) {
  if (config.issuer().empty()) {
    return Invalid(absl::StrCat(path, ".issuer"), "missing; give the `iss` of its tokens");
  }
  if (config.audience().empty()) {
    return Invalid(absl::StrCat(path, ".audience"), "empty; give the `aud` that names us");
  }
  PENSTOCK_RETURN_IF_ERROR(CheckTenants(config, path));
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<JwtKey> keys, ReadKeys(config, path));
  return JwtIssuer(config, std::move(keys));
}

JwtIssuer::JwtIssuer(const config::v1::Issuer& config, std::vector<JwtKey> keys)
    : name_(config.issuer()),
      audience_(config.audience()),
      tenants_(config.tenants().begin(), config.tenants().end()),
      keys_(std::move(keys)) {}

absl::StatusOr<const JwtKey*> JwtIssuer::FindKey(const Jws& jws) const {
  if (!jws.kid) {
    if (keys_.size() == 1) return &keys_.front();
    return RefuseToken("TOKEN_KEY_UNKNOWN", "",
                       absl::StrCat("no `kid`, and issuer ", Quoted(name_), " has ", keys_.size(),
                                    " keys; name the key in the header"));
  }
  for (const JwtKey& key : keys_) {
    if (!key.kid().empty() && key.kid() == *jws.kid) return &key;
  }
  return RefuseToken("TOKEN_KEY_UNKNOWN", *jws.kid,
                     absl::StrCat("issuer ", Quoted(name_), " has no key ", Quoted(*jws.kid),
                                  "; get a new token, or add the key to identity.issuers"));
}

absl::Status JwtIssuer::CheckSignature(const Jws& jws) const {
  PENSTOCK_ASSIGN_OR_RETURN(const JwtKey* key, FindKey(jws));
  const std::string kid = jws.kid.value_or("");
  if (key->algorithm() != jws.algorithm) {
    return RefuseToken("TOKEN_ALGORITHM", kid,
                       absl::StrCat("`alg` is ", NameOf(jws.algorithm), ", the key is for ",
                                    NameOf(key->algorithm()), "; sign with that"));
  }
  if (!key->Verify(jws.signing_input, jws.signature)) {
    return RefuseToken("TOKEN_SIGNATURE", kid,
                       "the signature is not this key's; get a new token, or check that the "
                       "configured key is the issuer's");
  }
  return absl::OkStatus();
}

}  // namespace penstock::identity
