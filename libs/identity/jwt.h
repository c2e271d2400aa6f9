// Checks the tokens of callers: who are they, and for whom do they speak?
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/snapshot.h"
#include "libs/identity/authenticator.h"
#include "libs/identity/jwt_claims.h"
#include "libs/identity/jwt_issuer.h"
#include "libs/identity/principal.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

inline constexpr absl::string_view kOnBehalfOfMetadata = "penstock-on-behalf-of";
// The scope of a service that names its users itself.
inline constexpr absl::string_view kActAsScope = "act_as";

// A key that a token needs, and that its issuer may yet publish.
struct MissingKey {
  // Belongs to the verifier.
  PublishedKeys* keys;
  // Absent: any key of the issuer.
  std::optional<std::string> kid;
};

// Accepts compact JWS signed with HS256, RS256 or ES256, by the rules of RFC 8725. Thread-safe.
class JwtVerifier final : public Authenticator {
 public:
  // Reads all keys. `tiers`: those that a token may name. kInvalidArgument, beginning with the
  // setting's path, for bad configuration.
  static absl::StatusOr<std::unique_ptr<JwtVerifier>> Create(const config::v1::Identity& config,
                                                             std::vector<std::string> tiers);

  // `authorization`: "Bearer <token>". `on_behalf_of`: the user whom a token with scope act_as
  // speaks for, 1 to 128 bytes of printable ASCII; empty otherwise.
  //   UNAUTHENTICATED    TOKEN_MISSING, TOKEN_MALFORMED, TOKEN_ISSUER, and those of JwtIssuer and
  //                      JwtClaims; ACT_AS_REQUIRED: scope act_as without a user
  //   UNAVAILABLE        STORE_UNAVAILABLE: the key may be there after the next fetch
  //   (MissingKeyOf) PERMISSION_DENIED  SCOPE_MISSING: a user without scope act_as INVALID_ARGUMENT
  //   FIELD_INVALID: a malformed user
  // Never blocks; costs a microsecond or two besides the signature (jwt_key.h).
  absl::StatusOr<Principal> Verify(absl::string_view authorization, absl::string_view on_behalf_of,
                                   absl::Time now) const;

  // Reads credentials.authorization and credentials.on_behalf_of.
  absl::StatusOr<Principal> Authenticate(const Credentials& credentials,
                                         absl::Time now) const override;

  // The key without which Verify has answered UNAVAILABLE; nullopt when that is not why.
  std::optional<MissingKey> MissingKeyOf(absl::string_view authorization) const;

  // Of all issuers that publish their keys; they live as long as this verifier. Somebody has to
  // fetch them: until then the tokens of such an issuer cannot be checked.
  std::vector<PublishedKeys*> published() const;

  // What tokens may name from now on.
  void SetTiers(std::vector<std::string> tiers);

 private:
  JwtVerifier(std::vector<JwtIssuer> issuers, std::vector<std::string> tiers,
              absl::Duration leeway);

  absl::StatusOr<const JwtIssuer*> FindIssuer(const Jws& jws) const;

  std::vector<JwtIssuer> issuers_;
  Snapshot<std::vector<std::string>> tiers_;
  absl::Duration leeway_;
};

}  // namespace penstock::identity
