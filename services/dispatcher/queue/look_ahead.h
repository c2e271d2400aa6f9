// What a class will serve next, if nothing comes between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "services/dispatcher/queue/fair_flows.h"
#include "services/dispatcher/queue/user_line.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::dispatcher {

// Remembers how far its last look went, to tell whether an entry that joined later lies inside. Not
// thread-safe.
class LookAhead {
 public:
  // The next `n` entries in line, ready or not, in the order of service: O(n log n). Nothing is
  // charged.
  std::vector<FairEntry*> Take(const FairFlows& flows, size_t n);
  // It was asked for so many, and there were no more than that.
  size_t wanted() const { return wanted_; }
  bool whole() const { return whole_; }
  // It would have taken an entry in line, had there been one of the place that this one has now;
  // behind another of its user, if that one was named.
  bool Reaches(const FairEntry& entry) const;

 private:
  // The last entry of a tenant: S of its user, and its seq.
  using Last = std::pair<double, int64_t>;

  size_t wanted_ = 0;
  bool whole_ = true;
  // S of the tenant that the last entry was of.
  double tenant_tag_ = 0;
  absl::flat_hash_map<uint32_t, Last> last_;
};

}  // namespace penstock::dispatcher
