// A compact JSON Web Signature, taken apart (RFC 7515): header.payload.signature.
#pragma once

#include <optional>
#include <string>

#include "libs/identity/json_object.h"
#include "libs/identity/jwt_algorithm.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

inline constexpr size_t kMaxTokenBytes = 4096;

// Nothing in it is proven: its signature has not been looked at.
struct Jws {
  JwtAlgorithm algorithm;
  std::optional<std::string> kid;
  JsonObject payload;
  // Points into the token.
  absl::string_view signing_input;
  std::string signature;
};

// TOKEN_MALFORMED for whatever is no plain signed JWT of at most 4 KiB in its one canonical
// spelling: JWE, JSON serialisation, padding, white space, members that stand twice, the header
// members crit, b64, zip and enc, a `typ` other than JWT and at+jwt. TOKEN_ALGORITHM for an `alg`
// that we never accept. Key material in the header (jwk, jku, x5c, x5u) is not read.
absl::StatusOr<Jws> ParseJws(absl::string_view token);

}  // namespace penstock::identity
