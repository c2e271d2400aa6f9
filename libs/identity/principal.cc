#include "libs/identity/principal.h"

#include <algorithm>

#include "libs/identity/sha256.h"

namespace penstock::identity {
namespace {

std::array<char, 4> BigEndian(size_t size) {
  const auto n = static_cast<uint32_t>(size);
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

std::array<uint8_t, 16> KeyOf(std::initializer_list<absl::string_view> names) {
  Sha256 hash;
  for (const absl::string_view name : names) {
    const auto length = BigEndian(name.size());
    hash.Update({length.data(), length.size()});
    hash.Update(name);
  }
  const Sha256::Digest digest = hash.Finish();
  std::array<uint8_t, 16> key;
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

}  // namespace

UserKey::UserKey(absl::string_view tenant, absl::string_view user)
    : bytes_(KeyOf({tenant, user})) {}

TenantKey::TenantKey(absl::string_view tenant) : bytes_(KeyOf({tenant})) {}

TenantKey TenantKeyOf(const Principal& principal) { return TenantKey(principal.tenant); }

bool Principal::HasScope(absl::string_view scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

}  // namespace penstock::identity
