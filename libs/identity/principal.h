// Who a call works for, as proven by a token or a grant, and the keys its data is stored under.
//
// A UserKey is proof: only the verifiers named as its friends can make one, so a store that takes a
// UserKey cannot be asked for the data of a user whom nobody has authenticated.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

struct Principal;

// The namespace of one user's data: the first 16 bytes of
// SHA-256(u32be length · tenant · u32be length · user). The lengths keep ("a", "b/c") and
// ("a/b", "c") apart. A value; has no empty state.
class UserKey {
 public:
  // 16 raw bytes, valid as long as this key.
  absl::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  // The first 16 bits, by which users are spread over shards.
  uint16_t bucket() const { return static_cast<uint16_t>(bytes_[0] << 8 | bytes_[1]); }

  auto operator<=>(const UserKey&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const UserKey& key) {
    return H::combine_contiguous(std::move(state), key.bytes_.data(), key.bytes_.size());
  }

 private:
  friend class JwtVerifier;
  friend class GrantVerifier;
  friend UserKey UserKeyOfJournaled(absl::string_view tenant, absl::string_view user);
  friend UserKey UserKeyForTest(absl::string_view tenant, absl::string_view user);

  UserKey(absl::string_view tenant, absl::string_view user);

  std::array<uint8_t, 16> bytes_;
};

// The namespace of what the users of one tenant share: the first 16 bytes of
// SHA-256(u32be length · tenant). Only RPCs that are marked shared take one.
class TenantKey {
 public:
  absl::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

  auto operator<=>(const TenantKey&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const TenantKey& key) {
    return H::combine_contiguous(std::move(state), key.bytes_.data(), key.bytes_.size());
  }

 private:
  friend TenantKey TenantKeyOf(const Principal& principal);

  explicit TenantKey(absl::string_view tenant);

  std::array<uint8_t, 16> bytes_;
};

// Not default-constructible, for want of a key.
struct Principal {
  std::string tenant;
  // The bytes of the token's `sub`, or of "penstock-on-behalf-of".
  std::string user;
  // A name of the configuration's `tiers`.
  std::string tier;
  std::vector<std::string> scopes;
  // When the caller's token was checked.
  absl::Time admitted;
  // Turn id of the grant; empty outside a turn and at the gateway.
  std::string turn;
  UserKey key;

  bool HasScope(absl::string_view scope) const;
};

TenantKey TenantKeyOf(const Principal& principal);

}  // namespace penstock::identity
