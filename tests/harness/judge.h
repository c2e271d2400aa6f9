// Says what a run did wrong, from what was seen of it.
#pragma once

#include <vector>

#include "tests/harness/history.h"
#include "tests/harness/verdict.h"

#include "absl/time/time.h"

namespace penstock::harness {

// A pure function: the same history, the same report. A turn may be in several offences. Empty
// parts of the history are not judged: without provider calls, nothing is said about them.
Report Judge(const History& history);

// So long after a cancel, or after the end of a process that had part in it, the provider may yet
// read a call that was under way.
inline constexpr absl::Duration kUnderWay = absl::Milliseconds(100);

// Counts the calls of one turn, in the order of their start, that repeat a step, each by the kill
// that explains it.
void CountRepeats(const std::vector<const ProviderCall*>& calls, const std::vector<KillSeen>& kills,
                  Report& report);

// What is wrong with one watcher's view alone: kSpliced and kDoubled.
std::vector<Offence> JudgeWatch(const Watch& watch);

// What became of the acknowledged results of callers' tools: kLost and kDoubled.
std::vector<Offence> JudgeTools(const History& history);

}  // namespace penstock::harness
