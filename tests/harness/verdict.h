// What a run did wrong.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/history.h"

#include "absl/strings/string_view.h"

namespace penstock::harness {

enum class Verdict {
  // Acknowledged, and at the end not there or not ended.
  kLost,
  // One wish became two turns, or one turn had two ends, or was run again after its end.
  kDoubled,
  // Turns of a session not in the order of their acceptance, with a gap, or one at a time.
  kReordered,
  // Something of one user reached another's data.
  kCrossed,
  // A watcher was shown parts of two runs as one.
  kSpliced,
  // A caller could not find out, with the same request_id, what became of its turn.
  kUnresolved,
  // A turn that nobody asked for, or that was refused; a provider call of no turn at all.
  kPhantom,
};

inline constexpr Verdict kAllVerdicts[] = {
    Verdict::kLost,    Verdict::kDoubled,    Verdict::kReordered, Verdict::kCrossed,
    Verdict::kSpliced, Verdict::kUnresolved, Verdict::kPhantom};

// "LOST", "DOUBLED" …
absl::string_view NameOf(Verdict verdict);

struct Offence {
  Verdict verdict;
  // Name of the turn, or the request_id of one that has none.
  std::string subject;
  std::string why;
};

// Not offences, but told: provider calls are not exactly once.
struct Counts {
  int intents = 0;
  int acknowledged = 0;
  int ended = 0;
  // Submissions of which a caller was told nothing, and which it repeated.
  int broken_calls = 0;
  int provider_calls = 0;
  // Calls of a turn beyond its first: paid twice. A stream may be lost with dispatcher or adapter,
  // and an answer with a dispatcher that had not handed it to session-state yet.
  int repeated_provider_calls = 0;
  int after_lost_stream = 0;
  int after_lost_answer = 0;
  // Of those two: the provider read the first call only after its sender's end (kUnderWay).
  int read_after_kill = 0;
  // No kill explains them.
  int unexplained_calls = 0;
  int restarted_watches = 0;
};

struct Report {
  std::vector<Offence> offences;
  Counts counts;
  // Each of counts.unexplained_calls, in words.
  std::vector<std::string> unexplained;
  std::vector<KillSeen> kills;

  bool clean() const { return offences.empty(); }
  int Count(Verdict verdict) const;
  // Counts of all verdicts; each offence, with where its turn stood at each kill; each call that
  // nothing explains; each kill, with how many turns stood where.
  std::string ToString() const;
};

}  // namespace penstock::harness
