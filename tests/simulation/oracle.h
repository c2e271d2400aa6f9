// What must be true of a run that has come to its end.
#pragma once

#include "tests/simulation/plan.h"

namespace penstock::simulation {

struct Evidence {
  Witness& witness;
  const SessionModel& sessions;
  const Disk& disk;
  const ProviderModel& provider;
  const Callers& callers;
  DispatcherLife& dispatcher;
  const Plan& plan;
  // How often a second dispatcher took over unnoticed: two know nothing of each other's calls.
  int replaced = 0;
};

// Accuses whoever deserves it: every acknowledged turn has ended once, in its session's order, with
// its own answer, for a reason, in time; everybody was told the same; request ids, ledger and
// counters are those of a recount; nothing is left over, and no limit was broken.
void JudgeEnd(const Evidence& evidence);

}  // namespace penstock::simulation
