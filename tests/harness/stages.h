// Where turns stood when a process was killed, from what was seen of the run before and after.
#pragma once

#include <vector>

#include "tests/harness/history.h"

#include "absl/strings/string_view.h"

namespace penstock::harness {

// "accepted", "committed-untold" …
absl::string_view NameOf(Stage stage);

// The kills, each with the stage of every turn that was in flight. After the provider's answer,
// whether the end was stored already cannot be seen from outside: of a killed dispatcher the next
// life tells (it calls the provider again, or not), of others the failpoint; else it counts as
// committing.
std::vector<KillSeen> KillsWithStages(const History& history);

}  // namespace penstock::harness
