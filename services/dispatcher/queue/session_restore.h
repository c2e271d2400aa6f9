// Sessions that a crash of session-state may have taken, made again before the shards serve.
#pragma once

#include <stop_token>
#include <vector>

#include "libs/async/awaitable.h"
#include "services/dispatcher/queue/journal.h"
#include "services/dispatcher/turn/turn_services.h"

namespace penstock::dispatcher {

// session-state writes a new session unsynced, so a session whose first turn has not ended may be
// gone, while the turn is in the journal. At most 2 s in all: what fails is counted in the log and
// left to the turn's own BeginTurn, which makes a missing session as well. `turns` must outlive it.
Awaitable<void> RestoreSessions(const TurnServices& services,
                                std::vector<const UnfinishedTurn*> turns, std::stop_token shutdown);

// Whether it is the first turn of its session, and to run: who cancels may have deleted the
// session.
bool MayMissItsSession(const UnfinishedTurn& turn);

}  // namespace penstock::dispatcher
