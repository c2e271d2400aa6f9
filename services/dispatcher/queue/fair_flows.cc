#include "services/dispatcher/queue/fair_flows.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace penstock::dispatcher {

FairFlows::FairFlows(const std::vector<double>& weights) : weights_(weights) {}

void FairFlows::TakeWeights() {
  for (const auto& tenant : tenants_) {
    if (tenant == nullptr) continue;
    const double before = std::exchange(tenant->weight, WeightOf(tenant->tenant));
    if (tenant->standing().in_line) weight_in_line_ += tenant->weight - before;
  }
}

void FairFlows::Join(FairEntry& entry, const Owner& owner) {
  UserFlow& user = FlowOf(owner);
  const Standings from(user);
  entry.flow = &user;
  Add(entry);
  Place(user, from);
}

void FairFlows::Leave(FairEntry& entry) {
  UserFlow& user = *entry.flow;
  const Standings from(user);
  Remove(entry);
  entry.flow = nullptr;
  TenantFlow& tenant = *user.tenant;
  Place(user, from);
  Forget(tenant);
}

void FairFlows::MarkReady(FairEntry& entry) {
  UserFlow& user = *entry.flow;
  const Standings from(user);
  user.line.MarkReady(entry);
  ++ready_;
  Place(user, from);
}

FairEntry* FairFlows::Next() const {
  const FairFlow* tenant = level_.Next();
  if (tenant == nullptr) return nullptr;
  const FairFlow* user = static_cast<const TenantFlow*>(tenant)->level.Next();
  return static_cast<const UserFlow*>(user)->line.FirstReady();
}

void FairFlows::Serve(FairEntry& entry) {
  UserFlow& user = *entry.flow;
  TenantFlow& tenant = *user.tenant;
  const Standings from(user);
  Remove(entry);
  tenant.level.Serve(user, entry.cost, from.user, user.standing());
  const Standing to = tenant.standing();
  level_.Serve(tenant, entry.cost / tenant.weight, from.tenant, to);
  Weigh(tenant, from.tenant, to);
  Forget(tenant);
}

void FairFlows::End(FairEntry& entry, double actual) {
  UserFlow& user = *entry.flow;
  TenantFlow& tenant = *user.tenant;
  const double difference = actual - entry.cost;
  tenant.level.End(user, difference, user.standing());
  level_.End(tenant, difference / tenant.weight, tenant.standing());
  entry.flow = nullptr;
  Forget(tenant);
}

FairFlows::Owner FairFlows::OwnerOf(const FairEntry& entry) {
  return {entry.flow->tenant->tenant, entry.flow->user};
}

size_t FairFlows::AheadOf(const FairEntry& entry) const {
  const UserFlow& user = *entry.flow;
  const TenantFlow& tenant = *user.tenant;
  const size_t rounds = user.line.Before(entry) * tenant.level.line().size();
  const size_t of_tenant =
      std::min(tenant.waiting - 1, rounds + tenant.level.Before(user, user.standing()));
  return AheadOf(of_tenant, tenant.weight, weight_in_line_,
                 level_.Before(tenant, tenant.standing()));
}

size_t FairFlows::AheadOfNext(const Owner& owner) const {
  const double weight = WeightOf(owner.tenant);
  if (owner.tenant >= tenants_.size() || tenants_[owner.tenant] == nullptr) {
    return AheadOf(0, weight, weight_in_line_ + weight, level_.BeforeNew(0));
  }
  const TenantFlow& tenant = *tenants_[owner.tenant];
  const UserFlow* user = users_.Find({&tenant, owner.user});
  const size_t own = user == nullptr ? 0 : user->line.size();
  const size_t before = own > 0 ? tenant.level.Before(*user, user->standing())
                                : tenant.level.BeforeNew(user == nullptr ? 0 : user->tag);
  const size_t of_tenant = std::min(tenant.waiting, own * tenant.level.line().size() + before);
  const Standing standing = tenant.standing();
  if (!standing.in_line) {
    return AheadOf(of_tenant, weight, weight_in_line_ + weight, level_.BeforeNew(tenant.tag));
  }
  return AheadOf(of_tenant, weight, weight_in_line_, level_.Before(tenant, standing));
}

size_t FairFlows::AheadOf(size_t of_tenant, double weight, double weights,
                          size_t tenants_before) const {
  const double rounds = static_cast<double>(of_tenant) * weights / weight;
  return std::min(waiting_, static_cast<size_t>(std::llround(rounds)) + tenants_before);
}

UserFlow& FairFlows::FlowOf(const Owner& owner) {
  TenantFlow& tenant = FlowOf(owner.tenant);
  const auto make = [&](UserFlow& flow) {
    flow.tenant = &tenant;
    flow.user = owner.user;
  };
  return *users_.FindOrMake({&tenant, owner.user}, make).first;
}

TenantFlow& FairFlows::FlowOf(uint32_t tenant) {
  if (tenant >= tenants_.size()) tenants_.resize(tenant + 1);
  auto& flow = tenants_[tenant];
  if (flow == nullptr) {
    ++remembered_tenants_;
    flow = std::make_unique<TenantFlow>();
    flow->tenant = tenant;
    flow->weight = WeightOf(tenant);
  }
  return *flow;
}

double FairFlows::WeightOf(uint32_t tenant) const {
  return tenant < weights_.size() ? weights_[tenant] : 1;
}

void FairFlows::Add(FairEntry& entry) {
  entry.flow->line.Insert(entry);
  ++entry.flow->tenant->waiting;
  ++waiting_;
  ready_ += entry.ready;
}

void FairFlows::Remove(FairEntry& entry) {
  entry.flow->line.Erase(entry);
  --entry.flow->tenant->waiting;
  --waiting_;
  ready_ -= entry.ready;
}

void FairFlows::Place(UserFlow& user, const Standings& from) {
  TenantFlow& tenant = *user.tenant;
  tenant.level.Place(user, from.user, user.standing());
  const Standing to = tenant.standing();
  level_.Place(tenant, from.tenant, to);
  Weigh(tenant, from.tenant, to);
}

void FairFlows::Weigh(const TenantFlow& tenant, const Standing& from, const Standing& to) {
  if (!from.in_line && to.in_line) weight_in_line_ += tenant.weight;
  if (from.in_line && !to.in_line) weight_in_line_ -= tenant.weight;
  if (level_.line().empty()) weight_in_line_ = 0;
}

void FairFlows::Forget(TenantFlow& tenant) {
  while (FairFlow* user = tenant.level.TakeForgotten()) users_.Erase(static_cast<UserFlow&>(*user));
  // One with nobody in line and nobody served has begun anew: it has no users any more.
  while (const FairFlow* forgotten = level_.TakeForgotten()) {
    tenants_[static_cast<const TenantFlow*>(forgotten)->tenant] = nullptr;
    --remembered_tenants_;
  }
}

}  // namespace penstock::dispatcher
