// JSON Web Keys of PEM keys, for tests. Link penstock_identity_testing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/identity/jwt_signer.h"

namespace penstock::identity {

// Members by name, as raw JSON; "" takes one away.
using JwkMembers = std::map<std::string, std::string>;

// The JWK of a PEM public key, with kty and the key's numbers, and with `members` over it.
std::string JwkOf(const std::string& public_pem, const JwkMembers& members = {});

// {"keys":[...]}
std::string JwkSetOf(const std::vector<std::string>& jwks);

// An issuer's key: what it signs with, and what it publishes.
struct PublishedPair {
  JwtSigner signer;
  std::string jwk;
};
PublishedPair MakePublishedPair(JwtAlgorithm algorithm, const std::string& kid);

}  // namespace penstock::identity
