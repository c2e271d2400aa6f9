// One issuer of tokens, as configured: its name, what its tokens must say, its keys.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/identity/jws.h"
#include "libs/identity/jwt_key.h"
#include "libs/identity/published_keys.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

// Thread-safe.
class JwtIssuer {
 public:
  // kInvalidArgument, with the setting's path below `path`, for a name, audience, tenant or key
  // that is missing, malformed or there twice, for keys beside a key set, and for a ca_file that
  // cannot be read.
  static absl::StatusOr<JwtIssuer> Create(const config::v1::Issuer& config, absl::string_view path);

  // The exact `iss`.
  const std::string& name() const { return name_; }
  const std::string& audience() const { return audience_; }
  // At least one.
  const std::vector<std::string>& tenants() const { return tenants_; }

  // Checks the signature with the one key of the token's `kid`, or with the issuer's only key when
  // the token has none. TOKEN_KEY_UNKNOWN, TOKEN_ALGORITHM when `alg` is not the key's,
  // TOKEN_SIGNATURE. Of an issuer that publishes its keys, UNAVAILABLE (STORE_UNAVAILABLE) when
  // there are none so far, or when only another fetch can tell whether it has this one.
  absl::Status CheckSignature(const Jws& jws) const;

  // The keys of its key set; nullptr when they stand in the configuration.
  PublishedKeys* published() const { return published_.get(); }

 private:
  JwtIssuer(const config::v1::Issuer& config, std::vector<JwtKey> keys);

  absl::Status KeyMissing(const Jws& jws, size_t keys) const;

  std::string name_;
  std::string audience_;
  std::vector<std::string> tenants_;
  std::vector<JwtKey> keys_;
  std::unique_ptr<PublishedKeys> published_;
};

}  // namespace penstock::identity
