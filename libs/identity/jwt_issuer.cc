#include "libs/identity/jwt_issuer.h"

#include <fstream>
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
  if (config.keys().empty() && !config.has_jwks()) {
    return Invalid(absl::StrCat(path, ".keys"),
                   "empty; add the key its tokens are signed with, or jwks, where it publishes its "
                   "keys");
  }
  if (!config.keys().empty() && config.has_jwks()) {
    return Invalid(absl::StrCat(path, ".jwks"), "set beside keys; keep one of the two");
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

absl::Status CheckCaFile(const config::v1::Jwks& config, absl::string_view path) {
  const std::string& file = config.ca_file();
  if (file.empty() || std::ifstream(file).good()) return absl::OkStatus();
  return Invalid(absl::StrCat(path, ".jwks.ca_file"),
                 absl::StrCat("cannot read \"", file, "\"; check the path"));
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
  PENSTOCK_RETURN_IF_ERROR(CheckCaFile(config.jwks(), path));
  return JwtIssuer(config, std::move(keys));
}

JwtIssuer::JwtIssuer(const config::v1::Issuer& config, std::vector<JwtKey> keys)
    : name_(config.issuer()),
      audience_(config.audience()),
      tenants_(config.tenants().begin(), config.tenants().end()),
      keys_(std::move(keys)),
      published_(config.has_jwks() ? std::make_unique<PublishedKeys>(name_, config.jwks())
                                   : nullptr) {}

absl::Status JwtIssuer::KeyMissing(const Jws& jws, size_t keys) const {
  const std::string kid = jws.kid.value_or("");
  if (published_ != nullptr && keys == 0) {
    return CannotCheckToken(kid, absl::StrCat("the keys of issuer ", Quoted(name_),
                                              " are not there now; send the same request again"));
  }
  if (!jws.kid) {
    return RefuseToken("TOKEN_KEY_UNKNOWN", "",
                       absl::StrCat("no `kid`, and issuer ", Quoted(name_), " has ", keys,
                                    " keys; name the key in the header"));
  }
  if (published_ == nullptr || kid.empty()) {
    return RefuseToken("TOKEN_KEY_UNKNOWN", kid,
                       absl::StrCat("issuer ", Quoted(name_), " has no key ", Quoted(kid),
                                    "; get a new token, or add the key to identity.issuers"));
  }
  if (published_->IsAbsent(kid)) {
    return RefuseToken("TOKEN_KEY_UNKNOWN", kid,
                       absl::StrCat("issuer ", Quoted(name_), " does not publish a key ",
                                    Quoted(kid), "; get a new token"));
  }
  return CannotCheckToken(kid,
                          absl::StrCat("whether issuer ", Quoted(name_), " has a key ", Quoted(kid),
                                       " is not known now; send the same request again"));
}

absl::Status JwtIssuer::CheckSignature(const Jws& jws) const {
  const auto set = published_ != nullptr ? published_->Current() : nullptr;
  const std::vector<JwtKey>& keys = set != nullptr ? set->keys() : keys_;
  const JwtKey* const key = FindKey(keys, jws.kid);
  if (key == nullptr) return KeyMissing(jws, keys.size());
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
