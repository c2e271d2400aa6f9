// The invariants of the queue over random traces: against a model of its definition, and bounds of
// fairness that do not grow with time.

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "services/dispatcher/queue/fair_scheduler.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::TurnClass;

constexpr absl::Duration kNow = absl::Seconds(1000);

// Tenant t has weight t + 1.
std::string TenantName(int tenant) { return absl::StrCat("t", tenant); }
double WeightOf(int tenant) { return tenant + 1; }

FairSchedulerOptions Options() {
  FairSchedulerOptions options;
  for (int tenant = 0; tenant < 3; ++tenant) {
    options.weights[TenantName(tenant)] = WeightOf(tenant);
  }
  return options;
}

// What the scheduler should do, by its definition, without any index.
class Model {
 public:
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

  std::map<EntryId, Entry> entries;

 private:
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

// A scheduler and its model, through one trace.
class Pair {
 public:
  Pair() : scheduler_(Options()) {
    // So that tenants are numbered as in the model.
    for (int tenant = 0; tenant < 3; ++tenant) {
      const EntryId id = 1'000'000 + static_cast<EntryId>(tenant);
      scheduler_.Enqueue({.id = id, .tenant = TenantName(tenant)}, kNow);
      scheduler_.Withdraw(id);
    }
  }

  void Enqueue(int turn_class, int tenant, int user) {
    const EntryId id = ++last_;
    scheduler_.Enqueue({.id = id,
                        .turn_class = static_cast<TurnClass>(turn_class),
                        .tenant = TenantName(tenant),
                        .user = static_cast<uint64_t>(user),
                        .seq = static_cast<int64_t>(id)},
                       kNow);
    model_.Join(id, {turn_class, tenant, user, 1, Model::State::kWaiting});
  }

  void MarkReady(EntryId id, int64_t tokens) {
    scheduler_.MarkReady(id, tokens, 0);
    if (!Is(id, Model::State::kWaiting)) return;
    model_.entries.at(id).state = Model::State::kReady;
    model_.entries.at(id).cost = static_cast<double>(tokens);
  }

  void SetClass(EntryId id, int turn_class) {
    scheduler_.SetClass(id, static_cast<TurnClass>(turn_class));
    if (!Known(id) || Is(id, Model::State::kStarted)) return;
    Model::Entry entry = model_.entries.at(id);
    if (entry.turn_class == turn_class) return;
    model_.Leave(id);
    entry.turn_class = turn_class;
    model_.Join(id, entry);
  }

  void Withdraw(EntryId id) {
    scheduler_.Withdraw(id);
    if (!Known(id)) return;
    if (Is(id, Model::State::kStarted)) {
      model_.End(id, model_.entries.at(id).cost);
    } else {
      model_.Leave(id);
    }
  }

  void Start() {
    const auto id = model_.Pick();
    if (!id) return;
    scheduler_.Start(*id, kNow);
    model_.Start(*id);
  }

  void Requeue(EntryId id) {
    scheduler_.Requeue(id, kNow);
    if (!Is(id, Model::State::kStarted)) return;
    Model::Entry entry = model_.entries.at(id);
    model_.End(id, 0);
    entry.state = Model::State::kWaiting;
    model_.Join(id, entry);
  }

  void Settle(EntryId id, int64_t tokens) {
    chat::v1::Usage usage;
    usage.set_input_tokens(tokens);
    scheduler_.Settle(id, usage, kNow);
    if (Is(id, Model::State::kStarted)) model_.End(id, static_cast<double>(tokens));
  }

  void ExpectSame() const {
    RC_ASSERT(scheduler_.Pick(kNow) == model_.Pick());
    const auto in_line = std::count_if(
        model_.entries.begin(), model_.entries.end(),
        [](const auto& entry) { return entry.second.state != Model::State::kStarted; });
    RC_ASSERT(scheduler_.waiting() == static_cast<size_t>(in_line));
  }

 private:
  bool Known(EntryId id) const { return model_.entries.contains(id); }
  bool Is(EntryId id, Model::State state) const {
    return Known(id) && model_.entries.at(id).state == state;
  }

  FairScheduler scheduler_;
  Model model_;
  EntryId last_ = 0;
};

RC_GTEST_PROP(FairScheduler, PicksWhatItsDefinitionSaysOverAnyTrace, ()) {
  Pair pair;
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 10), rc::gen::inRange(1, 30), rc::gen::inRange(3, 5),
                     rc::gen::inRange(0, 3), rc::gen::inRange(1, 50)));
  for (const auto& [action, number, turn_class, tenant, tokens] : steps) {
    const auto id = static_cast<EntryId>(number);
    switch (action) {
      case 0:
      case 1:
        pair.Enqueue(turn_class, tenant, number % 3);
        break;
      case 2:
      case 3:
        pair.MarkReady(id, tokens);
        break;
      case 4:
      case 5:
        pair.Start();
        break;
      case 6:
        pair.Settle(id, tokens);
        break;
      case 7:
        pair.Requeue(id);
        break;
      case 8:
        pair.SetClass(id, turn_class);
        break;
      default:
        pair.Withdraw(id);
    }
    pair.ExpectSame();
  }
}

// Calls of 1 to 1,000 tokens, expected as anything, `open` of them at a time, of flows that always
// have some in line; what each was served by the end. `Flow` is a tenant or a user.
struct Served {
  std::map<std::pair<int, int>, double> by_user;
  std::map<int, double> by_tenant;
};

Served Run(int calls, size_t open, uint32_t seed, int users) {
  FairScheduler scheduler(Options());
  std::mt19937 random(seed);
  std::map<EntryId, std::pair<int, int>> flow_of;
  std::vector<EntryId> running;
  EntryId last = 0;
  Served served;
  const auto draw = [&](int most) { return std::uniform_int_distribution(1, most)(random); };
  const auto enqueue = [&](int tenant, int user) {
    const EntryId id = ++last;
    flow_of[id] = {tenant, user};
    scheduler.Enqueue({.id = id,
                       .turn_class = chat::v1::CLASS_FREE,
                       .tenant = TenantName(tenant),
                       .user = static_cast<uint64_t>(user),
                       .seq = static_cast<int64_t>(id)},
                      kNow);
    scheduler.MarkReady(id, draw(1000), 0);
  };
  for (int tenant = 0; tenant < 2; ++tenant) {
    for (int user = 0; user < users; ++user) {
      for (size_t i = 0; i < open + 1; ++i) enqueue(tenant, user);
    }
  }
  for (int i = 0; i < calls; ++i) {
    const EntryId id = *scheduler.Pick(kNow);
    scheduler.Start(id, kNow);
    running.push_back(id);
    const auto [tenant, user] = flow_of.at(id);
    enqueue(tenant, user);
    if (running.size() < open) continue;
    const size_t which = static_cast<size_t>(draw(static_cast<int>(open))) - 1;
    const auto [ended_tenant, ended_user] = flow_of.at(running[which]);
    chat::v1::Usage usage;
    // One tenant's answers are six times as long.
    usage.set_input_tokens(ended_tenant == 0 ? draw(1000) : draw(166));
    scheduler.Settle(running[which], usage, kNow);
    served.by_user[{ended_tenant, ended_user}] += static_cast<double>(usage.input_tokens());
    served.by_tenant[ended_tenant] += static_cast<double>(usage.input_tokens());
    running.erase(running.begin() + static_cast<ptrdiff_t>(which));
  }
  return served;
}

// I4, I15: the gap between two backlogged flows is bounded by the largest call of each and by what
// is not settled, and does not grow.
RC_GTEST_PROP(FairScheduler, TheGapBetweenBackloggedFlowsIsBoundedAndFlatOverTime, ()) {
  constexpr double kLargest = 1000;
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const auto open = static_cast<size_t>(*rc::gen::inRange(1, 17));
  const double bound = 2 * kLargest + 2 * kLargest * static_cast<double>(open);

  for (const int calls : {400, 4'000}) {
    const Served served = Run(calls, open, seed, 2);
    const double gap =
        std::abs(served.by_tenant.at(0) / WeightOf(0) - served.by_tenant.at(1) / WeightOf(1));
    RC_ASSERT(gap <= bound);
    for (int tenant = 0; tenant < 2; ++tenant) {
      RC_ASSERT(std::abs(served.by_user.at({tenant, 0}) - served.by_user.at({tenant, 1})) <= bound);
    }
  }
}

// While anything waits, something that was named waits, and everything is named in the end.
RC_GTEST_PROP(FairScheduler, TheWindowNamesEverythingBeforeItIsServed, ()) {
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(1, 6), rc::gen::inRange(0, 3),
                     rc::gen::inRange(0, 4)));
  const auto n = static_cast<size_t>(*rc::gen::inRange(1, 8));
  FairScheduler scheduler(Options());
  std::set<EntryId> named;
  EntryId last = 0;
  const auto name = [&] {
    for (const EntryId id : scheduler.Window(n)) {
      RC_ASSERT(named.insert(id).second);
      scheduler.MarkReady(id, 10, 0);
    }
    RC_ASSERT(scheduler.waiting() == 0 || scheduler.ready() > 0);
  };
  for (const auto& [action, turn_class, tenant, user] : steps) {
    if (action == 0) {
      if (const auto id = scheduler.Pick(kNow)) scheduler.Start(*id, kNow);
    } else {
      scheduler.Enqueue({.id = ++last,
                         .turn_class = static_cast<TurnClass>(turn_class),
                         .tenant = TenantName(tenant),
                         .user = static_cast<uint64_t>(user),
                         .seq = static_cast<int64_t>(last)},
                        kNow);
    }
    name();
  }
  while (const auto id = scheduler.Pick(kNow)) {
    scheduler.Start(*id, kNow);
    name();
  }
  RC_ASSERT(named.size() == last);
}

}  // namespace
}  // namespace penstock::dispatcher
