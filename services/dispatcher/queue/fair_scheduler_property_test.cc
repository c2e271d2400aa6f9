// The invariants of the queue over random traces: against a model of its definition, and bounds of
// fairness that do not grow with time.

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "services/dispatcher/queue/fair_model_for_test.h"
#include "services/dispatcher/queue/fair_scheduler.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::TurnClass;

constexpr absl::Duration kNow = absl::Seconds(1000);

std::string TenantName(int tenant) { return absl::StrCat("t", tenant); }
double WeightOf(int tenant) { return FairModel::WeightOf(tenant); }

FairSchedulerOptions Options() {
  FairSchedulerOptions options;
  for (int tenant = 0; tenant < 3; ++tenant) {
    options.shares.weights[TenantName(tenant)] = WeightOf(tenant);
  }
  return options;
}

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
    model_.Join(id, {turn_class, tenant, user, 1, FairModel::State::kWaiting});
  }

  void MarkReady(EntryId id, int64_t tokens) {
    scheduler_.MarkReady(id, tokens, 0);
    if (!Is(id, FairModel::State::kWaiting)) return;
    model_.entries.at(id).state = FairModel::State::kReady;
    model_.entries.at(id).cost = static_cast<double>(tokens);
  }

  void SetClass(EntryId id, int turn_class) {
    scheduler_.SetClass(id, static_cast<TurnClass>(turn_class));
    if (!Known(id) || Is(id, FairModel::State::kStarted)) return;
    FairModel::Entry entry = model_.entries.at(id);
    if (entry.turn_class == turn_class) return;
    model_.Leave(id);
    entry.turn_class = turn_class;
    model_.Join(id, entry);
  }

  void Withdraw(EntryId id) {
    scheduler_.Withdraw(id);
    if (!Known(id)) return;
    if (Is(id, FairModel::State::kStarted)) {
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
    if (!Is(id, FairModel::State::kStarted)) return;
    FairModel::Entry entry = model_.entries.at(id);
    model_.End(id, 0);
    entry.state = FairModel::State::kWaiting;
    model_.Join(id, entry);
  }

  void Settle(EntryId id, int64_t tokens) {
    chat::v1::Usage usage;
    usage.set_input_tokens(tokens);
    scheduler_.Settle(id, usage, kNow);
    if (Is(id, FairModel::State::kStarted)) model_.End(id, static_cast<double>(tokens));
  }

  void ExpectSame() const {
    RC_ASSERT(scheduler_.Pick(kNow) == model_.Pick());
    const auto in_line = std::count_if(
        model_.entries.begin(), model_.entries.end(),
        [](const auto& entry) { return entry.second.state != FairModel::State::kStarted; });
    RC_ASSERT(scheduler_.waiting() == static_cast<size_t>(in_line));
  }

  void ExpectSamePositions() const {
    for (const auto& [id, entry] : model_.entries) {
      const bool started = entry.state == FairModel::State::kStarted;
      RC_ASSERT(scheduler_.Position(id) == (started ? 0 : model_.PositionOf(id, entry)));
    }
    for (int turn_class = 3; turn_class < 5; ++turn_class) {
      for (int tenant = 0; tenant < 3; ++tenant) {
        const FairModel::Entry next = {.turn_class = turn_class, .tenant = tenant, .user = 1};
        RC_ASSERT(scheduler_.PositionOfNext({.turn_class = static_cast<TurnClass>(turn_class),
                                             .tenant = TenantName(tenant),
                                             .user = 1}) == model_.PositionOf(last_ + 1, next));
      }
    }
  }

 private:
  bool Known(EntryId id) const { return model_.entries.contains(id); }
  bool Is(EntryId id, FairModel::State state) const {
    return Known(id) && model_.entries.at(id).state == state;
  }

  FairScheduler scheduler_;
  FairModel model_;
  EntryId last_ = 0;
};

RC_GTEST_PROP(FairScheduler, PicksAndPlacesAsItsDefinitionSaysOverAnyTrace, ()) {
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
    pair.ExpectSamePositions();
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
