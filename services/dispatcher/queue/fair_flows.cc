#include "services/dispatcher/queue/fair_flows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

#include "absl/container/btree_set.h"

namespace penstock::dispatcher {
namespace {

// By seq, then by id.
struct InOrder {
  bool operator()(const FairEntry* a, const FairEntry* b) const {
    return std::tie(a->seq, a->id) < std::tie(b->seq, b->id);
  }
};
using Entries = absl::btree_set<FairEntry*, InOrder>;

std::optional<int64_t> FirstOf(const Entries& entries) {
  return entries.empty() ? std::nullopt : std::optional<int64_t>((*entries.begin())->seq);
}

}  // namespace

struct UserFlow : FairFlow {
  TenantFlow* tenant = nullptr;
  uint64_t user = 0;
  Entries line;
  Entries ready_entries;
};

struct TenantFlow : FairFlow {
  uint32_t tenant = 0;
  FairLevel level;
  absl::flat_hash_map<uint64_t, std::unique_ptr<UserFlow>> users;
  size_t waiting = 0;

  // Among tenants of equal S.
  std::optional<int64_t> OrderInLine() const {
    return level.line().empty() ? std::nullopt : std::optional<int64_t>(tenant);
  }
  std::optional<int64_t> OrderReady() const {
    return level.Next() == nullptr ? std::nullopt : std::optional<int64_t>(tenant);
  }
};

namespace {

// What a level would serve, one after the other. `Inside` is what one of its flows would serve.
// The level must not change meanwhile.
template <class Inside>
class Lookahead {
 public:
  explicit Lookahead(const FairLevel& level)
      : next_(level.line().begin()), end_(level.line().end()) {}

  // Null: there is nothing more.
  FairEntry* Take() {
    while (true) {
      if (next_ != end_ && (touched_.empty() || Before(*next_, touched_.top()))) {
        touched_.push({next_->tag, next_->order, insides_.size()});
        insides_.push_back({next_->flow, Inside(*next_->flow)});
        ++next_;
        continue;
      }
      if (touched_.empty()) return nullptr;
      Touched top = touched_.top();
      touched_.pop();
      auto& [flow, inside] = insides_[top.index];
      FairEntry* entry = inside.Take();
      if (entry == nullptr) continue;
      last_tag_ = top.tag;
      last_inside_ = top.index;
      top.tag += entry->cost / flow->weight;
      touched_.push(top);
      return entry;
    }
  }

  // Of the flow from which Take took the last one.
  double last_tag() const { return last_tag_; }
  const Inside& last_inside() const { return insides_[last_inside_].second; }

 private:
  struct Touched {
    double tag;
    int64_t order;
    size_t index;
    bool operator<(const Touched& other) const {
      return std::tie(tag, order) > std::tie(other.tag, other.order);
    }
  };
  static bool Before(const FairLevel::Rank& rank, const Touched& touched) {
    return std::tie(rank.tag, rank.order) < std::tie(touched.tag, touched.order);
  }

  FairLevel::Line::const_iterator next_;
  const FairLevel::Line::const_iterator end_;
  std::priority_queue<Touched> touched_;
  std::vector<std::pair<const FairFlow*, Inside>> insides_;
  double last_tag_ = 0;
  size_t last_inside_ = 0;
};

class UserEntries {
 public:
  explicit UserEntries(const FairFlow& flow)
      : next_(static_cast<const UserFlow&>(flow).line.begin()),
        end_(static_cast<const UserFlow&>(flow).line.end()) {}
  FairEntry* Take() { return next_ == end_ ? nullptr : *next_++; }

 private:
  Entries::const_iterator next_;
  Entries::const_iterator end_;
};

class TenantEntries {
 public:
  explicit TenantEntries(const FairFlow& flow)
      : users_(static_cast<const TenantFlow&>(flow).level) {}
  FairEntry* Take() { return users_.Take(); }
  double user_tag() const { return users_.last_tag(); }

 private:
  Lookahead<UserEntries> users_;
};

}  // namespace

FairFlows::FairFlows(const std::vector<double>& weights) : weights_(weights) {}
FairFlows::~FairFlows() = default;

void FairFlows::Join(FairEntry& entry) {
  UserFlow& user = FlowOf(entry.tenant, entry.user);
  entry.flow = &user;
  user.line.insert(&entry);
  if (entry.ready) user.ready_entries.insert(&entry);
  ++user.tenant->waiting;
  ++waiting_;
  ready_ += entry.ready;
  Place(user);
}

void FairFlows::Leave(FairEntry& entry) {
  UserFlow& user = *entry.flow;
  TenantFlow& tenant = *user.tenant;
  user.line.erase(&entry);
  if (entry.ready) user.ready_entries.erase(&entry);
  --tenant.waiting;
  --waiting_;
  ready_ -= entry.ready;
  Place(user);
  Forget(tenant);
}

void FairFlows::MarkReady(FairEntry& entry) {
  entry.ready = true;
  entry.flow->ready_entries.insert(&entry);
  ++ready_;
  Place(*entry.flow);
}

FairEntry* FairFlows::Next() const {
  const FairFlow* tenant = level_.Next();
  if (tenant == nullptr) return nullptr;
  const FairFlow* user = static_cast<const TenantFlow*>(tenant)->level.Next();
  return *static_cast<const UserFlow*>(user)->ready_entries.begin();
}

void FairFlows::Serve(FairEntry& entry) {
  UserFlow& user = *entry.flow;
  TenantFlow& tenant = *user.tenant;
  user.line.erase(&entry);
  user.ready_entries.erase(&entry);
  --tenant.waiting;
  --waiting_;
  --ready_;
  tenant.level.Serve(user, entry.cost, FirstOf(user.line), FirstOf(user.ready_entries));
  level_.Serve(tenant, entry.cost, tenant.OrderInLine(), tenant.OrderReady());
  Forget(tenant);
}

void FairFlows::End(FairEntry& entry, double actual) {
  UserFlow& user = *entry.flow;
  TenantFlow& tenant = *user.tenant;
  const double difference = actual - entry.cost;
  tenant.level.Correct(user, difference);
  level_.Correct(tenant, difference);
  tenant.level.End(user);
  level_.End(tenant);
  entry.flow = nullptr;
  Forget(tenant);
}

std::vector<FairEntry*> FairFlows::Ahead(size_t n, FairFrontier& frontier) const {
  std::vector<FairEntry*> ahead;
  frontier = {};
  Lookahead<TenantEntries> tenants(level_);
  while (ahead.size() < n) {
    FairEntry* entry = tenants.Take();
    if (entry == nullptr) break;
    frontier.tenant_tag = tenants.last_tag();
    frontier.last[entry->tenant] = {tenants.last_inside().user_tag(), entry->seq};
    ahead.push_back(entry);
  }
  frontier.whole = ahead.size() == waiting_;
  return ahead;
}

bool FairFlows::IsInside(const FairEntry& entry, const FairFrontier& frontier) const {
  if (frontier.whole) return true;
  const auto last = frontier.last.find(entry.tenant);
  if (last == frontier.last.end()) return entry.flow->tenant->tag < frontier.tenant_tag;
  return std::pair(entry.flow->tag, entry.seq) < last->second;
}

size_t FairFlows::AheadOf(const FairEntry& entry) const {
  const UserFlow& user = *entry.flow;
  const TenantFlow& tenant = *user.tenant;
  const auto own = static_cast<size_t>(
      std::distance(user.line.begin(), user.line.find(const_cast<FairEntry*>(&entry))));
  // `own` rounds of all users, and the part of one more that comes before.
  const size_t of_tenant =
      std::min(tenant.waiting - 1, own * tenant.level.line().size() + tenant.level.Before(user));
  return AheadOf(of_tenant, tenant.weight, level_.weight_in_line(), level_.Before(tenant));
}

size_t FairFlows::AheadOfNext(uint32_t tenant, uint64_t user) const {
  const double weight = WeightOf(tenant);
  const auto known = tenants_.find(tenant);
  if (known == tenants_.end()) {
    return AheadOf(0, weight, level_.weight_in_line() + weight, level_.BeforeNew(0));
  }
  const TenantFlow& flow = *known->second;
  const auto known_user = flow.users.find(user);
  const UserFlow* user_flow = known_user == flow.users.end() ? nullptr : known_user->second.get();
  const size_t own = user_flow == nullptr ? 0 : user_flow->line.size();
  const size_t before = own > 0 ? flow.level.Before(*user_flow)
                                : flow.level.BeforeNew(user_flow == nullptr ? 0 : user_flow->tag);
  const size_t of_tenant = std::min(flow.waiting, own * flow.level.line().size() + before);
  const bool in_line = flow.in_line.has_value();
  return AheadOf(of_tenant, weight, level_.weight_in_line() + (in_line ? 0 : weight),
                 in_line ? level_.Before(flow) : level_.BeforeNew(flow.tag));
}

size_t FairFlows::AheadOf(size_t of_tenant, double weight, double weights,
                          size_t tenants_before) const {
  const double rounds = static_cast<double>(of_tenant) * weights / weight;
  return std::min(waiting_, static_cast<size_t>(std::llround(rounds)) + tenants_before);
}

double FairFlows::WeightOf(uint32_t tenant) const {
  return tenant < weights_.size() ? weights_[tenant] : 1;
}

size_t FairFlows::flows() const {
  size_t flows = tenants_.size();
  for (const auto& [index, tenant] : tenants_) flows += tenant->users.size();
  return flows;
}

UserFlow& FairFlows::FlowOf(uint32_t tenant, uint64_t user) {
  auto& tenant_flow = tenants_[tenant];
  if (tenant_flow == nullptr) {
    tenant_flow = std::make_unique<TenantFlow>();
    tenant_flow->tenant = tenant;
    tenant_flow->weight = WeightOf(tenant);
  }
  auto& flow = tenant_flow->users[user];
  if (flow == nullptr) {
    flow = std::make_unique<UserFlow>();
    flow->tenant = tenant_flow.get();
    flow->user = user;
  }
  return *flow;
}

void FairFlows::Place(UserFlow& user) {
  TenantFlow& tenant = *user.tenant;
  tenant.level.Place(user, FirstOf(user.line), FirstOf(user.ready_entries));
  level_.Place(tenant, tenant.OrderInLine(), tenant.OrderReady());
}

void FairFlows::Forget(TenantFlow& tenant) {
  for (const FairFlow* user : tenant.level.TakeForgotten()) {
    tenant.users.erase(static_cast<const UserFlow*>(user)->user);
  }
  // One with nobody in line has begun anew: its users are forgotten, too.
  for (const FairFlow* forgotten : level_.TakeForgotten()) {
    tenants_.erase(static_cast<const TenantFlow*>(forgotten)->tenant);
  }
}

}  // namespace penstock::dispatcher
