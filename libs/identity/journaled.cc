#include "libs/identity/journaled.h"

namespace penstock::identity {

UserKey UserKeyOfJournaled(absl::string_view tenant, absl::string_view user) {
  return UserKey(tenant, user);
}

}  // namespace penstock::identity
