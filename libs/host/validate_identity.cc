#include "libs/host/validate_identity.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/host/found_allowed.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

constexpr size_t kMinSecretBytes = 32;

absl::Status CheckSecret(absl::string_view path, absl::string_view base64) {
  std::string bytes;
  if (!absl::Base64Unescape(base64, &bytes)) return Wrong(path, "is no valid base64");
  if (bytes.size() >= kMinSecretBytes) return absl::OkStatus();
  return Wrong(path, absl::StrCat("found ", bytes.size(), " bytes, allowed at least ",
                                  kMinSecretBytes, " (head -c 32 /dev/urandom | base64)"));
}

absl::Status CheckSymmetric(const std::string& path, const config::v1::Key& key) {
  if (key.secret().empty()) return Wrong(path + ".secret", "required by HS256, and absent");
  if (!key.public_key_file().empty()) {
    return Wrong(path + ".public_key_file", "HS256 has a secret, not a public key");
  }
  return CheckSecret(path + ".secret", key.secret());
}

absl::Status CheckAsymmetric(const std::string& path, const config::v1::Key& key) {
  if (key.public_key_file().empty()) {
    return Wrong(path + ".public_key_file",
                 absl::StrCat("required by ", key.algorithm(), ", and absent"));
  }
  if (key.secret().empty()) return absl::OkStatus();
  return Wrong(path + ".secret", absl::StrCat(key.algorithm(), " has a public key, not a secret"));
}

absl::Status CheckKey(const std::string& path, const config::v1::Key& key) {
  if (key.algorithm() == "HS256") return CheckSymmetric(path, key);
  if (key.algorithm() == "RS256" || key.algorithm() == "ES256") return CheckAsymmetric(path, key);
  return FoundAllowed(path + ".algorithm", key.algorithm(), "HS256, RS256 or ES256");
}

// "https://host…" or, for the issuer of a laptop or a test, "http://" of this very machine: over
// plain HTTP anybody on the way could put in keys. No user name: the URL stands in logs.
bool IsKeySetUrl(absl::string_view url) {
  const bool printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c <= '~'; });
  const bool tls = absl::ConsumePrefix(&url, "https://");
  if (!printable || (!tls && !absl::ConsumePrefix(&url, "http://"))) return false;
  const absl::string_view authority = url.substr(0, url.find_first_of("/?"));
  if (authority.empty() || absl::StrContains(url, "#") || absl::StrContains(authority, "@")) {
    return false;
  }
  if (tls) return true;
  const bool ipv6 = authority[0] == '[';
  const absl::string_view host = ipv6 ? authority.substr(0, authority.find(']') + 1)
                                      : authority.substr(0, authority.find(':'));
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

absl::Status CheckJwks(const std::string& path, const config::v1::Jwks& jwks) {
  if (!IsKeySetUrl(jwks.url())) {
    return FoundAllowed(
        path + ".url", jwks.url(),
        "an https:// URL, or http:// of 127.0.0.1, [::1] or localhost; without user "
        "and fragment");
  }
  const absl::Duration max_age = FromProto(jwks.max_age());
  if (max_age >= FromProto(jwks.refresh_interval())) return absl::OkStatus();
  return FoundAllowed(path + ".max_age", absl::FormatDuration(max_age),
                      "at least refresh_interval: keys would die between two fetches");
}

absl::Status CheckKeys(const std::string& path, const config::v1::Issuer& issuer) {
  if (issuer.has_jwks() && !issuer.keys().empty()) {
    return Wrong(path + ".jwks", "found beside keys, allowed one of the two");
  }
  if (issuer.has_jwks()) return CheckJwks(path + ".jwks", issuer.jwks());
  if (issuer.keys().empty()) {
    return Wrong(path + ".keys", "found none, allowed at least one, or jwks instead");
  }
  std::set<std::string> kids;
  for (int i = 0; i < issuer.keys_size(); ++i) {
    const std::string key_path = absl::StrCat(path, ".keys[", i, "]");
    PENSTOCK_RETURN_IF_ERROR(CheckKey(key_path, issuer.keys(i)));
    if (issuer.keys_size() > 1 && issuer.keys(i).kid().empty()) {
      return Wrong(key_path + ".kid", "required when an issuer has several keys, and absent");
    }
    if (!kids.insert(issuer.keys(i).kid()).second) {
      return FoundAllowed(key_path + ".kid", issuer.keys(i).kid(),
                          "a kid that no other key of the issuer has");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIssuer(const std::string& path, const config::v1::Issuer& issuer) {
  if (issuer.tenants().empty()) return Wrong(path + ".tenants", "found none, allowed at least one");
  std::set<std::string> tenants;
  for (int i = 0; i < issuer.tenants_size(); ++i) {
    const std::string tenant_path = absl::StrCat(path, ".tenants[", i, "]");
    if (issuer.tenants(i).empty()) return Wrong(tenant_path, "found an empty name");
    if (!tenants.insert(issuer.tenants(i)).second) {
      return FoundAllowed(tenant_path, issuer.tenants(i), "a tenant that is not listed already");
    }
  }
  return CheckKeys(path, issuer);
}

// Those that are set.
absl::Status CheckGrantSecrets(const config::v1::Identity& identity) {
  const std::pair<absl::string_view, const std::string&> secrets[] = {
      {"identity.grant_root", identity.grant_root()},
      {"identity.grant_key", identity.grant_key()},
      {"identity.previous_grant_root", identity.previous_grant_root()},
      {"identity.previous_grant_key", identity.previous_grant_key()}};
  for (const auto& [path, secret] : secrets) {
    if (!secret.empty()) PENSTOCK_RETURN_IF_ERROR(CheckSecret(path, secret));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateIdentity(const config::v1::Identity& identity) {
  PENSTOCK_RETURN_IF_ERROR(CheckGrantSecrets(identity));
  std::set<std::string> issuers;
  for (int i = 0; i < identity.issuers_size(); ++i) {
    const std::string path = absl::StrCat("identity.issuers[", i, "]");
    const config::v1::Issuer& issuer = identity.issuers(i);
    if (!issuers.insert(issuer.issuer()).second) {
      return FoundAllowed(path + ".issuer", issuer.issuer(),
                          "an issuer that is not listed already");
    }
    PENSTOCK_RETURN_IF_ERROR(CheckIssuer(path, issuer));
  }
  return absl::OkStatus();
}

}  // namespace penstock::host
