// Bearer tokens for the users of a test.
#pragma once

#include <string>
#include <vector>

#include "libs/identity/jwt_signer.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Who a token speaks for.
struct TokenUser {
  std::string user;
  std::string tenant = "dev";
  std::string tier = "paid";
  std::vector<std::string> scopes = {};
};

// The issuer that a test's configuration trusts. Thread-safe.
class Tokens {
 public:
  Tokens(identity::JwtSigner signer, std::string issuer)
      : signer_(std::move(signer)), issuer_(std::move(issuer)) {}

  // For the issuer of deploy/config/five.yaml, with its secret in base64.
  static absl::StatusOr<Tokens> FromSecret(absl::string_view base64_secret);

  // Without "Bearer"; valid from now on.
  std::string For(const TokenUser& user, absl::Duration lifetime = absl::Hours(1)) const;

 private:
  identity::JwtSigner signer_;
  std::string issuer_;
};

}  // namespace penstock::harness
