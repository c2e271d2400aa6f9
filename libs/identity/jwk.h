// One JSON Web Key (RFC 7517, section 4; RFC 7518, section 6) as a key that tokens may be signed
// with.
#pragma once

#include <variant>

#include <boost/json/fwd.hpp>

#include "libs/identity/jwt_key.h"

#include "absl/strings/string_view.h"

namespace penstock::identity {

// Why a key of a set is left out.
enum class JwkFlaw {
  // A member is missing, of another type, or not in its one spelling.
  kMalformed,
  // kty "oct": nobody publishes a secret.
  kSymmetric,
  // Private members: whoever reads the set can sign with it.
  kPrivate,
  // Neither RSA nor EC.
  kOtherType,
  // Another curve than P-256.
  kOtherCurve,
  // `use` or `key_ops` say that it does not verify signatures.
  kOtherUse,
  // `alg` is not the one of its type.
  kOtherAlgorithm,
  // RSA below 2,048 or above 8,192 bits, or with an exponent outside 65,537 to 2^32.
  kWeak,
  // The point is not on its curve.
  kOffCurve,
  // Another usable key of the set has the same `kid`: none of them counts.
  kDuplicateKid,
  // No `kid`, and the set has other usable keys.
  kNoKid,
};

// As in metrics: "malformed".
absl::string_view NameOf(JwkFlaw flaw);
// All of them.
inline constexpr JwkFlaw kJwkFlaws[] = {
    JwkFlaw::kMalformed,  JwkFlaw::kSymmetric,    JwkFlaw::kPrivate,        JwkFlaw::kOtherType,
    JwkFlaw::kOtherCurve, JwkFlaw::kOtherUse,     JwkFlaw::kOtherAlgorithm, JwkFlaw::kWeak,
    JwkFlaw::kOffCurve,   JwkFlaw::kDuplicateKid, JwkFlaw::kNoKid};

// `jwk` alone: RSA is a key for RS256, EC on P-256 one for ES256. Members that are not named above
// are not read; certificates (x5c, x5u) least of all.
std::variant<JwtKey, JwkFlaw> ReadJwk(const boost::json::object& jwk);

}  // namespace penstock::identity
