// The keys that grants are made and checked with: a root, and one key a service derived from it.
#pragma once

#include <string>

#include "libs/identity/hmac.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

inline constexpr size_t kMinGrantKeyBytes = 32;

// K_aud = HKDF-SHA-256(root, no salt, info "penstock grant v1 " + audience), 32 bytes (RFC 5869).
std::string DeriveGrantKey(absl::string_view root, absl::string_view audience);

// The bytes of identity.grant_root. kInvalidArgument, with the setting's path, when it is absent,
// not base64 or shorter than 32 bytes. What is minted is minted with it, never with the previous
// one.
absl::StatusOr<std::string> GrantRootOf(const config::v1::Identity& config);

// What one service checks grants with.
struct GrantKeys {
  std::string current;
  // Holds as well, while the root is being changed; empty otherwise.
  std::string previous = "";
};

// The keys of one service: identity.grant_key, or derived from identity.grant_root; and
// identity.previous_grant_key, or derived from identity.previous_grant_root, where one is set.
// kInvalidArgument when there is no current one, when one is malformed, or when a key and a root
// are there and disagree.
absl::StatusOr<GrantKeys> GrantKeysOf(const config::v1::Identity& config,
                                      absl::string_view audience);

// A service's key, ready for use. Thread-safe.
struct GrantKey {
  explicit GrantKey(absl::string_view key);

  HmacSha256 hmac;
  // The first 8 hex digits of HMAC(key, "penstock grant key id"): tells two keys apart in an error
  // message, and says nothing about them.
  std::string id;
};

}  // namespace penstock::identity
