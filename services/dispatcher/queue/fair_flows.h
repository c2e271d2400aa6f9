// The turns of one class in fair order: tenants by weight, the users of a tenant equally, and a
// user's turns first come first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "services/dispatcher/queue/fair_level.h"
#include "services/dispatcher/queue/scheduler.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::dispatcher {

struct UserFlow;
struct TenantFlow;

// A turn in line, or one that holds a permit. Does not move.
struct FairEntry {
  EntryId id = 0;
  int64_t seq = 0;
  // Index of its tenant, and a hash of the user.
  uint32_t tenant = 0;
  uint64_t user = 0;
  // Expected, in cost units; above 0.
  double cost = 0;
  bool ready = false;

  // For FairFlows: where it is in line, or was served.
  UserFlow* flow = nullptr;
};

// How far a look ahead went, to tell whether an entry that joined later belongs into it.
struct FairFrontier {
  // It took all there were.
  bool whole = true;
  // S of the last tenant it took from; by tenant, S of the user and seq of the last entry it took.
  double tenant_tag = 0;
  absl::flat_hash_map<uint32_t, std::pair<double, int64_t>> last;
};

// Not thread-safe. O(log n) in flows and entries, amortized, where nothing else is said.
class FairFlows {
 public:
  // Weights by tenant index, above 0; a tenant beyond them has 1. Must outlive it.
  explicit FairFlows(const std::vector<double>& weights);
  ~FairFlows();
  FairFlows(const FairFlows&) = delete;
  FairFlows& operator=(const FairFlows&) = delete;

  // In line, ready or not, by entry.ready; and out of it.
  void Join(FairEntry& entry);
  void Leave(FairEntry& entry);
  // An entry in line changes to ready.
  void MarkReady(FairEntry& entry);

  // The ready entry to serve next; null: none is ready.
  FairEntry* Next() const;
  // A ready entry leaves the line and is charged its cost. End follows.
  void Serve(FairEntry& entry);
  // A served entry has ended: it has cost `actual`.
  void End(FairEntry& entry, double actual);

  // The next `n` entries in line, ready or not, as they would be served if nothing came between:
  // O(n log n).
  std::vector<FairEntry*> Ahead(size_t n, FairFrontier& frontier) const;
  // Whether an entry in line would be taken by the look ahead that went so far.
  bool IsInside(const FairEntry& entry, const FairFrontier& frontier) const;

  size_t waiting() const { return waiting_; }
  size_t ready() const { return ready_; }
  // How many in line are served before an entry in line, and before a user's next one: those of
  // the user, and what other users and tenants get meanwhile. An estimate: it takes all turns to
  // cost the same. Counts the user's own one by one.
  size_t AheadOf(const FairEntry& entry) const;
  size_t AheadOfNext(uint32_t tenant, uint64_t user) const;

  // Flows that are remembered, with turns or without.
  size_t flows() const;

 private:
  UserFlow& FlowOf(uint32_t tenant, uint64_t user);
  double WeightOf(uint32_t tenant) const;
  size_t AheadOf(size_t of_tenant, double weight, double weights, size_t tenants_before) const;
  void Place(UserFlow& user);
  // Drops the flows that their levels do not know any more.
  void Forget(TenantFlow& tenant);

  const std::vector<double>& weights_;
  FairLevel level_;
  absl::flat_hash_map<uint32_t, std::unique_ptr<TenantFlow>> tenants_;
  size_t waiting_ = 0;
  size_t ready_ = 0;
};

}  // namespace penstock::dispatcher
