// One issuer of tokens, as configured: its name, what its tokens must say, its keys.
#pragma once

#include <string>
#include <vector>

#include "libs/identity/jws.h"
#include "libs/identity/jwt_key.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

// Thread-safe.
class JwtIssuer {
 public:
  // kInvalidArgument, with the setting's path below `path`, for a name, audience, tenant or key
  // that is missing, malformed or there twice.
  static absl::StatusOr<JwtIssuer> Create(const config::v1::Issuer& config, absl::string_view path);

  // The exact `iss`.
  const std::string& name() const { return name_; }
  const std::string& audience() const { return audience_; }
  // At least one.
  const std::vector<std::string>& tenants() const { return tenants_; }

  // Checks the signature with the one key of the token's `kid`, or with the issuer's only key when
  // the token has none. TOKEN_KEY_UNKNOWN, TOKEN_ALGORITHM when `alg` is not the key's,
  // TOKEN_SIGNATURE.
  absl::Status CheckSignature(const Jws& jws) const;

 private:
  JwtIssuer(const config::v1::Issuer& config, std::vector<JwtKey> keys);

  absl::StatusOr<const JwtKey*> FindKey(const Jws& jws) const;

  std::string name_;
  std::string audience_;
  std::vector<std::string> tenants_;
  std::vector<JwtKey> keys_;
};

}  // namespace penstock::identity
