// What is there at the end of a run, added to its history.
#pragma once

#include <string>

#include "tests/harness/caller.h"
#include "tests/harness/history.h"
#include "tests/harness/simulator.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Adds every turn of `user`, who is `caller`, once none is live any more or `give_up` has come; an
// error only when the last look failed. What GetTurn says of each is added as an outcome.
absl::Status CollectStored(const Caller& caller, const std::string& user, absl::Time give_up,
                           History& history);
// Adds every session and memory of `user` to `history.kept`.
absl::Status CollectKept(const Caller& caller, const std::string& user, absl::Time give_up,
                         History& history);

// Adds every request that the simulator holds; start it with --record-limit above what it will get.
absl::Status CollectProviderCalls(const Simulator& simulator, History& history);

}  // namespace penstock::harness
