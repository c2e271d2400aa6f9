// Keys and principals without a token, for tests. Link penstock_identity_testing; no service does.
#pragma once

#include "libs/identity/principal.h"

namespace penstock::identity {

UserKey UserKeyForTest(absl::string_view tenant, absl::string_view user);

// Tier "paid", no scopes, no turn, admitted at the Unix epoch.
Principal PrincipalForTest(absl::string_view tenant, absl::string_view user);

}  // namespace penstock::identity
