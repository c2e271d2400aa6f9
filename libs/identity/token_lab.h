// Two issuers with keys of every algorithm, for tests that make tokens. Link
// penstock_identity_testing.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "libs/identity/jwt.h"
#include "libs/identity/jwt_signer.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

// Issuer https://issuer.test, audience penstock, tenants acme and beta, keys hs, rs and es.
// Issuer https://other.test, audience penstock, tenant other, one key hs with another secret.
// Tiers free and paid. Leeway 30 s. Public keys are written as PEM files to a folder for temporary
// files.
class TokenLab {
 public:
  explicit TokenLab(const std::string& folder);

  const config::v1::Identity& config() const { return config_; }
  const JwtVerifier& verifier() const { return *verifier_; }

  // The first issuer's, with kid "hs", "rs" or "es".
  const JwtSigner& SignerOf(JwtAlgorithm algorithm) const;
  const JwtSigner& other_signer() const { return other_; }
  const KeyPem& rsa() const { return rsa_; }
  const KeyPem& ec() const { return ec_; }

  // Tokens are valid at this time; theirs are iat = now - 10 s, exp = now + 5 min.
  static absl::Time Now() { return absl::FromUnixSeconds(1'800'000'000); }

  // A valid payload of user ann of acme, with claims replaced by raw JSON; "" removes one.
  static std::string Payload(const std::map<std::string, std::string>& claims = {});

 private:
  KeyPem rsa_;
  KeyPem ec_;
  JwtSigner hs256_;
  JwtSigner rs256_;
  JwtSigner es256_;
  JwtSigner other_;
  config::v1::Identity config_;
  std::unique_ptr<JwtVerifier> verifier_;
};

// One for the whole process: RSA keys take a while to make.
const TokenLab& SharedTokenLab();

}  // namespace penstock::identity
