// What the fair scheduler should do, by its definition, without any index: for its property test.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <type_traits>
#include <utility>

#include "services/dispatcher/queue/scheduler.h"

namespace penstock::dispatcher {

// Tenant t has weight t + 1 and stands at t among its equals. Entries stand in order of their ids.
class FairModel {
 public:
  static double WeightOf(int tenant) { return tenant + 1; }

  enum class State { kWaiting, kReady, kStarted };
  struct Entry {
    int turn_class = 0;
    int tenant = 0;
    int user = 0;
    double cost = 0;
    State state = State::kWaiting;
  };
  using User = std::tuple<int, int, int>;
  using Tenant = std::pair<int, int>;

  static User UserOf(const Entry& entry) { return {entry.turn_class, entry.tenant, entry.user}; }
  static Tenant TenantOf(const Entry& entry) { return {entry.turn_class, entry.tenant}; }

  void Join(EntryId id, Entry entry) {
    const bool user_was_there = InLine(UserOf(entry));
    const bool tenant_was_there = InLine(TenantOf(entry));
    entries[id] = entry;
    if (!user_was_there) Lift(users_[UserOf(entry)], users_v_[TenantOf(entry)]);
    if (!tenant_was_there) Lift(tenants_[TenantOf(entry)], tenants_v_[entry.turn_class]);
  }

  void Leave(EntryId id) {
    const Entry entry = entries.at(id);
    entries.erase(id);
    Settle(entry);
  }

  std::optional<EntryId> Pick() const {
    std::optional<EntryId> best;
    for (const auto& [id, entry] : entries) {
      if (entry.state == State::kReady && (!best || Before(id, *best))) best = id;
    }
    return best;
  }

  void Start(EntryId id) {
    Entry& entry = entries.at(id);
    double& user = users_[UserOf(entry)];
    double& tenant = tenants_[TenantOf(entry)];
    double& user_v = users_v_[TenantOf(entry)];
    double& tenant_v = tenants_v_[entry.turn_class];
    user_v = std::max(user_v, user);
    tenant_v = std::max(tenant_v, tenant);
    user += entry.cost;
    tenant += entry.cost / WeightOf(entry.tenant);
    entry.state = State::kStarted;
    Settle(entry);
  }

  void End(EntryId id, double actual) {
    const Entry entry = entries.at(id);
    entries.erase(id);
    double& user = users_[UserOf(entry)];
    double& tenant = tenants_[TenantOf(entry)];
    user = std::max(0.0, user + (actual - entry.cost));
    tenant = std::max(0.0, tenant + (actual - entry.cost) / WeightOf(entry.tenant));
    Settle(entry);
  }

  // Of an entry in line, or of one that would have this id and come after all of its user: as
  // FairFlows::AheadOf defines it.
  int64_t PositionOf(EntryId id, const Entry& entry) const {
    // In line, each with its first entry.
    std::map<User, EntryId> users;
    std::set<Tenant> tenants;
    int64_t higher = 0;
    int64_t of_class = 0;
    int64_t of_tenant = 0;
    int64_t own = 0;
    for (const auto& [other_id, other] : entries) {
      if (other.state == State::kStarted) continue;
      higher += other.turn_class < entry.turn_class;
      if (other.turn_class != entry.turn_class) continue;
      ++of_class;
      tenants.insert(TenantOf(other));
      if (TenantOf(other) != TenantOf(entry)) continue;
      users.try_emplace(UserOf(other), other_id);
      of_tenant += other_id != id;
      own += UserOf(other) == UserOf(entry) && other_id < id;
    }
    const int64_t users_before = BeforeOf(UserOf(entry), users);
    const int64_t of_users = std::min(of_tenant, own * std::ssize(users) + users_before);
    const auto [tenants_before, weights] = BeforeOf(TenantOf(entry), tenants);
    const int64_t rounds =
        std::llround(static_cast<double>(of_users) * weights / WeightOf(entry.tenant));
    return higher + std::min(of_class, rounds + tenants_before) + 1;
  }

  std::map<EntryId, Entry> entries;

 private:
  // One that is not in line would be lifted, and come after its equals.
  int64_t BeforeOf(const User& user, const std::map<User, EntryId>& users) const {
    const double tag = Of(users_, user);
    const double v = Of(users_v_, {std::get<0>(user), std::get<1>(user)});
    const auto first = users.find(user);
    const auto rank = first == users.end()
                          ? std::pair(std::max(tag, v), std::numeric_limits<EntryId>::max())
                          : std::pair(tag, first->second);
    return std::count_if(users.begin(), users.end(), [&](const auto& other) {
      return std::pair(Of(users_, other.first), other.second) < rank;
    });
  }
  // With the weights of all.
  std::pair<int64_t, double> BeforeOf(const Tenant& tenant, std::set<Tenant> tenants) const {
    const double tag = Of(tenants_, tenant);
    const auto rank = tenants.contains(tenant)
                          ? std::pair(tag, tenant.second)
                          : std::pair(std::max(tag, Of(tenants_v_, tenant.first)),
                                      std::numeric_limits<int>::max());
    const int64_t before = std::count_if(tenants.begin(), tenants.end(), [&](const Tenant& other) {
      return std::pair(Of(tenants_, other), other.second) < rank;
    });
    tenants.insert(tenant);
    double weights = 0;
    for (const Tenant& each : tenants) weights += WeightOf(each.second);
    return {before, weights};
  }

  template <class Tags>
  static double Of(const Tags& tags, const typename Tags::key_type& key) {
    const auto found = tags.find(key);
    return found == tags.end() ? 0 : found->second;
  }
  static void Lift(double& tag, double virtual_time) { tag = std::max(tag, virtual_time); }

  template <class Key>
  bool InLine(const Key& key) const {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
      if (entry.second.state == State::kStarted) return false;
      if constexpr (std::is_same_v<Key, User>) return UserOf(entry.second) == key;
      if constexpr (std::is_same_v<Key, Tenant>) return TenantOf(entry.second) == key;
      if constexpr (std::is_same_v<Key, int>) return entry.second.turn_class == key;
    });
  }

  // With nobody in line the next busy period begins level.
  void Settle(const Entry& entry) {
    if (!InLine(TenantOf(entry))) {
      for (const auto& [user, tag] : users_) {
        const Tenant tenant = {std::get<0>(user), std::get<1>(user)};
        if (tenant == TenantOf(entry)) Lift(users_v_[tenant], tag);
      }
    }
    if (!InLine(entry.turn_class)) {
      for (const auto& [tenant, tag] : tenants_) {
        if (tenant.first == entry.turn_class) Lift(tenants_v_[tenant.first], tag);
      }
    }
  }

  // Of the user's ready ones, the order is that of ids.
  bool Before(EntryId a, EntryId b) const { return RankOf(a) < RankOf(b); }
  std::tuple<int, double, int, double, EntryId, EntryId> RankOf(EntryId id) const {
    const Entry& entry = entries.at(id);
    EntryId first_ready = id;
    for (const auto& [other, known] : entries) {
      if (UserOf(known) == UserOf(entry) && known.state == State::kReady) {
        first_ready = std::min(first_ready, other);
      }
    }
    return {entry.turn_class, tenants_.at(TenantOf(entry)),
            entry.tenant,     users_.at(UserOf(entry)),
            first_ready,      id};
  }

  std::map<User, double> users_;
  std::map<Tenant, double> tenants_;
  std::map<Tenant, double> users_v_;
  std::map<int, double> tenants_v_;
};

}  // namespace penstock::dispatcher
