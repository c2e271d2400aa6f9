// What a token says, checked against its issuer and the clock (RFC 7519, section 4).
#pragma once

#include <string>
#include <vector>

#include "libs/identity/json_object.h"
#include "libs/identity/jwt_issuer.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

struct JwtClaims {
  std::string subject;
  // One of the issuer's.
  std::string tenant;
  // One of those expected.
  std::string tier;
  std::vector<std::string> scopes;
};

// What claims are checked against.
struct JwtExpectations {
  const JwtIssuer& issuer;
  const std::vector<std::string>& tiers;
  absl::Duration leeway;
  absl::Time now;
};

// Claims of a payload whose signature has been checked. `kid` is for the error.
//   aud     a string, or an array of strings, with the issuer's audience   TOKEN_AUDIENCE
//   exp     required; refused from exp + leeway on                         TOKEN_EXPIRED
//   nbf iat may be absent; refused before nbf - leeway or iat - leeway     TOKEN_NOT_YET_VALID
//   sub     required, 1 to 128 bytes without control characters
//   tenant  one of the issuer's; absent: its first                         TOKEN_TENANT
//   tier    one of the tiers; absent: "free"
//   scope   names with one space between them (RFC 8693, section 4.2); absent: none
// TOKEN_MALFORMED for a claim of another type or, where no other reason stands, with another value.
absl::StatusOr<JwtClaims> CheckJwtClaims(const JsonObject& payload, const JwtExpectations& expected,
                                         absl::string_view kid);

}  // namespace penstock::identity
