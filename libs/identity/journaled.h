// The key of a user whose turn stands in the dispatcher's journal.
#pragma once

#include "libs/identity/principal.h"

namespace penstock::identity {

// For the dispatcher and its own journal alone: the names were proven by a grant when the turn was
// accepted, and are read back to run it later. Nothing that came in with a request goes in here.
UserKey UserKeyOfJournaled(absl::string_view tenant, absl::string_view user);

}  // namespace penstock::identity
