#include "tests/harness/tokens.h"

#include <utility>

#include "libs/base/status_macros.h"

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

namespace penstock::harness {

absl::StatusOr<Tokens> Tokens::FromSecret(absl::string_view base64_secret) {
  std::string secret;
  if (!absl::Base64Unescape(base64_secret, &secret)) {
    return absl::InvalidArgumentError("the secret of the issuer is no base64");
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      auto signer, identity::JwtSigner::Create(identity::JwtAlgorithm::kHs256, secret, "dev"));
  return Tokens(std::move(signer), "penstock-dev");
}

std::string Tokens::For(const TokenUser& user, absl::Duration lifetime) const {
  const absl::Time now = absl::Now();
  return signer_.Sign({.issuer = issuer_,
                       .audience = "penstock",
                       .subject = user.user,
                       .tenant = user.tenant,
                       .tier = user.tier,
                       .scopes = user.scopes,
                       .issued_at = now,
                       .expires = now + lifetime});
}

}  // namespace penstock::harness
