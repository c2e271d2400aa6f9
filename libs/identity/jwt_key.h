// One key that tokens may be signed with: exactly one algorithm, chosen by our configuration or by
// the kind of the key that the issuer publishes, never by a token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/identity/hmac.h"
#include "libs/identity/jwt_algorithm.h"
#include "libs/identity/openssl_ptr.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

// Thread-safe.
class JwtKey {
 public:
  // Reads the key, and its file. kInvalidArgument, beginning with `path` (the setting's, such as
  // "identity.issuers[0].keys[1]"), for an unknown algorithm, a secret below 32 bytes, an RSA key
  // below 2,048 bits, a curve other than P-256, a key of another algorithm, a private key.
  static absl::StatusOr<JwtKey> Create(const config::v1::Key& config, absl::string_view path);

  // The key of a published set. `algorithm` is RS256 or ES256; the bounds are those of Create.
  // kInvalidArgument says what is wrong with the key: "RSA key of 1024 bits, expected at least
  // 2048".
  static absl::StatusOr<JwtKey> OfPublicKey(std::string kid, JwtAlgorithm algorithm, EVP_PKEY& key);

  const std::string& kid() const { return kid_; }
  JwtAlgorithm algorithm() const { return algorithm_; }

  // Whether `signature` is this key's over `input`. About 1 µs (HS256), 20 µs (RS256 of 2,048
  // bits), 70 µs (ES256).
  bool Verify(absl::string_view input, absl::string_view signature) const;

 private:
  JwtKey(const config::v1::Key& config, HmacSha256 secret);
  JwtKey(std::string kid, JwtAlgorithm algorithm, MdCtxPtr prepared);

  bool VerifyPublic(absl::string_view input, absl::string_view signature) const;

  std::string kid_;
  JwtAlgorithm algorithm_;
  // HS256.
  std::optional<HmacSha256> secret_;
  // RS256, ES256: ready to verify with the key. Each use copies it, at a tenth of a new start's
  // cost.
  MdCtxPtr prepared_;
};

// How often this thread has called JwtKey::Verify: what a refused token may have cost.
int64_t SignatureChecksOfThisThread();

}  // namespace penstock::identity
