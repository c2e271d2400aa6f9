// What could be had of a provider: by a client that knows all that the provider knows, and has
// always another call to make.
#pragma once

#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "tests/laws/provider_law.h"

namespace penstock::laws {

struct LawCall {
  Demand demand;
  // In the end.
  double taken = 0;
  absl::Duration service = absl::ZeroDuration();
};

// Tokens a second that calls took which ended in [from, to], when the calls are made one after the
// other, each as soon as it is admitted. `calls` are enough of them.
inline double BestRate(ProviderLaw& law, const std::vector<LawCall>& calls, absl::Duration from,
                       absl::Duration to) {
  constexpr absl::Duration kStep = absl::Milliseconds(10);
  using End = std::pair<absl::Duration, int>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  size_t next = 0;
  double taken = 0;
  for (absl::Duration now = kStep; now <= to; now += kStep) {
    while (!ends.empty() && ends.top().first <= now) {
      const LawCall& call = calls[static_cast<size_t>(ends.top().second)];
      law.End(ends.top().second, call.demand.amount - call.taken, now);
      if (now >= from) taken += call.taken;
      ends.pop();
    }
    while (next < calls.size() && law.Admit(static_cast<int>(next), calls[next].demand, now)) {
      ends.emplace(now + calls[next].service, static_cast<int>(next));
      ++next;
    }
  }
  return taken / absl::ToDoubleSeconds(to - from);
}

}  // namespace penstock::laws
