// The turns of one class in fair order: tenants by weight, the users of a tenant equally, and a
// user's turns first come first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "services/dispatcher/queue/fair_level.h"
#include "services/dispatcher/queue/keyed_slab.h"
#include "services/dispatcher/queue/tenant_flow.h"
#include "services/dispatcher/queue/user_line.h"

namespace penstock::dispatcher {

// Not thread-safe. O(log n) in flows and entries, amortized and as RankedSet, where nothing else is
// said.
class FairFlows {
 public:
  // By index of the tenant, and a hash of the user.
  struct Owner {
    uint32_t tenant = 0;
    uint64_t user = 0;
  };

  // Weights by tenant index, above 0; a tenant beyond them has 1. Must outlive it, and may change
  // when TakeWeights follows.
  explicit FairFlows(const std::vector<double>& weights);
  FairFlows(const FairFlows&) = delete;
  FairFlows& operator=(const FairFlows&) = delete;

  // The weights have changed: what is served from now on counts by the new ones. O(tenants).
  void TakeWeights();

  // In line, ready or not, by entry.ready; and out of it.
  void Join(FairEntry& entry, const Owner& owner);
  void Leave(FairEntry& entry);
  // An entry in line changes to ready.
  void MarkReady(FairEntry& entry);

  // The ready entry to serve next; null: none is ready.
  FairEntry* Next() const;
  // A ready entry leaves the line and is charged its cost. End follows.
  void Serve(FairEntry& entry);
  // A served entry has ended: it has cost `actual`.
  void End(FairEntry& entry, double actual);

  // Of an entry in line, or served and not ended.
  static Owner OwnerOf(const FairEntry& entry);

  // The flows of the tenants, for a look ahead.
  const FairLevel& level() const { return level_; }
  size_t waiting() const { return waiting_; }
  size_t ready() const { return ready_; }

  // How many in line are served before an entry in line, and before a user's next one: those of
  // the user, and what other users and tenants get meanwhile. The counts are exact; the formula
  // takes all turns to cost the same and all users of a tenant to have as many:
  //   user   = (turns of the user before it) * (users in line) + (users that come first)
  //   before = user * (weight of the tenants in line) / (its tenant's weight)
  //            + (tenants that come first)
  // where neither is more than there are in line.
  size_t AheadOf(const FairEntry& entry) const;
  size_t AheadOfNext(const Owner& owner) const;

  // Flows that are remembered, with turns or without.
  size_t flows() const { return remembered_tenants_ + users_.size(); }

 private:
  using UserKey = std::pair<const TenantFlow*, uint64_t>;
  struct KeyOfUser {
    UserKey operator()(const UserFlow& flow) const { return {flow.tenant, flow.user}; }
  };
  // Of a user and of its tenant.
  struct Standings {
    explicit Standings(const UserFlow& flow)
        : user(flow.standing()), tenant(flow.tenant->standing()) {}
    Standing user;
    Standing tenant;
  };

  UserFlow& FlowOf(const Owner& owner);
  TenantFlow& FlowOf(uint32_t tenant);
  double WeightOf(uint32_t tenant) const;
  size_t AheadOf(size_t of_tenant, double weight, double weights, size_t tenants_before) const;
  // The entry is in line from now on, or not.
  void Add(FairEntry& entry);
  void Remove(FairEntry& entry);
  void Place(UserFlow& user, const Standings& from);
  // What its tenant weighs among those in line, where that changes.
  void Weigh(const TenantFlow& tenant, const Standing& from, const Standing& to);
  // Drops the flows that their levels have forgotten.
  void Forget(TenantFlow& tenant);

  const std::vector<double>& weights_;
  FairLevel level_;
  // By index of the tenant; null: it is not remembered.
  std::vector<std::unique_ptr<TenantFlow>> tenants_;
  size_t remembered_tenants_ = 0;
  KeyedSlab<UserFlow, KeyOfUser> users_;
  double weight_in_line_ = 0;
  size_t waiting_ = 0;
  size_t ready_ = 0;
};

}  // namespace penstock::dispatcher
