#include "libs/identity/testing.h"

namespace penstock::identity {

UserKey UserKeyForTest(absl::string_view tenant, absl::string_view user) {
  return UserKey(tenant, user);
}

Principal PrincipalForTest(absl::string_view tenant, absl::string_view user) {
  return Principal{.tenant = std::string(tenant),
                   .user = std::string(user),
                   .tier = "paid",
                   .scopes = {},
                   .admitted = absl::UnixEpoch(),
                   .turn = "",
                   .key = UserKeyForTest(tenant, user)};
}

}  // namespace penstock::identity
