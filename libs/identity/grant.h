// Grants: what one service proves to another about the user it works for.
//
// A grant is bytes for the metadata "penstock-grant-bin": a serialized SignedGrant
// (penstock/identity/v1/grant.proto), a Grant and its HMAC-SHA-256 under the audience's key.
// Gateway and dispatcher hold the root and can mint for everybody; a service that holds only its
// own key can mint for nobody else.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/identity/authenticator.h"
#include "libs/identity/grant_key.h"
#include "libs/identity/principal.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

inline constexpr absl::string_view kGrantMetadata = "penstock-grant-bin";

// The services a grant can be for.
inline constexpr absl::string_view kDispatcherAudience = "dispatcher";
inline constexpr absl::string_view kSessionStateAudience = "session-state";
inline constexpr absl::string_view kMemoryRecallAudience = "memory-recall";
inline constexpr absl::string_view kProviderAdapterAudience = "provider-adapter";

// Thread-safe. Costs about a microsecond a grant.
class GrantMinter {
 public:
  // `root`: at least 32 bytes, as GrantRootOf gives them. A grant is valid for `lifetime`, rounded
  // up to a second.
  explicit GrantMinter(absl::string_view root, absl::Duration lifetime = absl::Seconds(60));

  // Bytes for the metadata of one call to `audience`. `turn_id` is empty outside a turn.
  std::string Mint(absl::string_view audience, const Principal& principal,
                   absl::string_view turn_id, absl::Time now) const;

 private:
  std::string MintWith(const GrantKey& key, absl::string_view audience, const Principal& principal,
                       absl::string_view turn_id, absl::Time now) const;

  std::string root_;
  absl::Duration lifetime_;
  // Keys of the four services, derived once.
  std::vector<std::pair<absl::string_view, GrantKey>> keys_;
};

// Thread-safe.
class GrantVerifier final : public Authenticator {
 public:
  // `audience`: the service this is. `key` and `previous`: its own, as GrantKeysOf gives them; a
  // grant holds under either of them. `previous` may be empty.
  GrantVerifier(absl::string_view audience, absl::string_view key, absl::string_view previous = "");

  // UNAUTHENTICATED with reason GRANT_MISSING, GRANT_MALFORMED, GRANT_SIGNATURE (also: another
  // key), GRANT_AUDIENCE or GRANT_EXPIRED.
  absl::StatusOr<Principal> Verify(absl::string_view grant, absl::Time now) const;

  // Reads credentials.grant alone.
  absl::StatusOr<Principal> Authenticate(const Credentials& credentials,
                                         absl::Time now) const override;

 private:
  std::string audience_;
  GrantKey key_;
  std::optional<GrantKey> previous_;
};

}  // namespace penstock::identity
