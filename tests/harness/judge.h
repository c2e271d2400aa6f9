// Says what a run did wrong, from what was seen of it.
#pragma once

#include "tests/harness/history.h"
#include "tests/harness/verdict.h"

namespace penstock::harness {

// A pure function: the same history, the same report. A turn may be in several offences. Empty
// parts of the history are not judged: without provider calls, nothing is said about them.
Report Judge(const History& history);

// What is wrong with one watcher's view alone: kSpliced and kDoubled.
std::vector<Offence> JudgeWatch(const Watch& watch);

// What became of the acknowledged results of callers' tools: kLost and kDoubled.
std::vector<Offence> JudgeTools(const History& history);

}  // namespace penstock::harness
