// Makes tokens: for tests and for the `penstock token` command. Services only verify.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/identity/hmac.h"
#include "libs/identity/jwt_algorithm.h"
#include "libs/identity/openssl_ptr.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

struct KeyPem {
  std::string private_key;
  std::string public_key;
};

// A new key pair for RS256 (2,048 bits) or ES256 (P-256). kInvalidArgument for HS256, whose key is
// any 32 random bytes.
absl::StatusOr<KeyPem> GenerateKeyPem(JwtAlgorithm algorithm);

// Empty claims are left out; the times are written as whole seconds.
struct TokenContent {
  std::string issuer;
  std::string audience;
  std::string subject;
  std::string tenant = "";
  std::string tier = "";
  std::vector<std::string> scopes = {};
  absl::Time issued_at;
  absl::Time expires;
};

// Thread-safe.
class JwtSigner {
 public:
  // `key`: for HS256 the secret's bytes, at least 32; else the PEM of an unencrypted private key.
  // `kid` may be empty. kInvalidArgument when the key is not one for the algorithm.
  static absl::StatusOr<JwtSigner> Create(JwtAlgorithm algorithm, absl::string_view key,
                                          absl::string_view kid);

  // A compact JWS, without "Bearer".
  std::string Sign(const TokenContent& content) const;
  // The same with a payload as it is, JSON or not.
  std::string SignPayload(absl::string_view payload) const;
  // The same with the header as it is: what its `alg` says does not change how it is signed.
  std::string SignParts(absl::string_view header, absl::string_view payload) const;

  // The signature's bytes as JWS has them.
  std::string Signature(absl::string_view input) const;

 private:
  JwtSigner(JwtAlgorithm algorithm, absl::string_view kid);

  JwtAlgorithm algorithm_;
  // {"alg":...,"typ":"JWT","kid":...}
  std::string header_;
  std::optional<HmacSha256> secret_;
  PkeyPtr private_key_;
};

}  // namespace penstock::identity
