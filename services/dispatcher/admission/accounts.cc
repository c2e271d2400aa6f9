#include "services/dispatcher/admission/accounts.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/proto_time.h"
#include "services/dispatcher/admission/hour_window.h"
#include "services/dispatcher/admission/refusals.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace penstock::dispatcher {
namespace {

// Until turns that have reserved the rest of a budget may have ended.
constexpr absl::Duration kRunningTurns = absl::Seconds(10);

int64_t DayOf(absl::Time time) {
  return absl::Floor(time - absl::UnixEpoch(), absl::Hours(24)) / absl::Hours(24);
}

absl::Duration UntilNextDay(absl::Time now) {
  return absl::UnixEpoch() + (DayOf(now) + 1) * absl::Hours(24) - now;
}

Amount SpentOn(int64_t day, const v1::DaySpent& spent) {
  return spent.day() == day ? AmountOf(spent.amount()) : Amount();
}

// A day that is over is not booked on any more.
void Spend(int64_t day, const Amount& amount, v1::DaySpent& spent) {
  if (day < spent.day()) return;
  Store(SpentOn(day, spent) + amount, *spent.mutable_amount());
  spent.set_day(day);
}

void DropOlderThanAnHour(absl::Time now, v1::UserCounters& counters) {
  auto& times = *counters.mutable_first_turns();
  const auto recent = std::find_if(times.begin(), times.end(), [&](const auto& time) {
    return FromProto(time) > now - absl::Hours(1);
  });
  times.erase(times.begin(), recent);
  DropOldMinutes(now, *counters.mutable_minutes());
}

// A limit of a budget, of tokens or of money.
struct Limit {
  int64_t allowed;
  int64_t spent;
  int64_t reserved;
  bool money;
};

std::string Text(const Limit& limit, int64_t amount) {
  if (!limit.money) return absl::StrCat(amount, " tokens");
  return absl::StrFormat("%.6g USD", static_cast<double>(amount) / 1e9);
}

// What is wrong with the first limit that is used up.
std::optional<Shortage> Check(absl::string_view whose, std::initializer_list<Limit> limits,
                              chat::v1::TurnClass turn_class, absl::Time now) {
  for (const Limit& limit : limits) {
    if (limit.allowed == 0 || limit.spent + limit.reserved < limit.allowed) continue;
    const bool spent = limit.spent >= limit.allowed;
    return Shortage{.message = absl::StrCat(whose, ": ", Text(limit, limit.spent),
                                            " spent today (UTC) and ", Text(limit, limit.reserved),
                                            " reserved by turns that have not ended, ", "allowed ",
                                            Text(limit, limit.allowed), " a day"),
                    .limit = Text(limit, limit.allowed),
                    .turn_class = turn_class,
                    .eta = spent ? UntilNextDay(now) : std::min(kRunningTurns, UntilNextDay(now))};
  }
  return std::nullopt;
}

// `held`: turns of the user that are on their way in.
std::optional<Shortage> CheckRate(const config::v1::Tier& tier, const v1::UserCounters& counters,
                                  int32_t held, chat::v1::TurnClass turn_class, absl::Time now) {
  const int64_t turns = TurnsIn(counters.minutes()) + held;
  if (turns < tier.turns_per_hour()) return std::nullopt;
  const int64_t fewer_than = std::max(1, tier.turns_per_hour() - held);
  return Shortage{
      .message = absl::StrCat("tier ", tier.name(), ": ", turns,
                              " turns in the last 60 minutes, allowed ", tier.turns_per_hour()),
      .limit = absl::StrCat(tier.turns_per_hour()),
      .turn_class = turn_class,
      .eta = UntilFewerThan(fewer_than, now, counters.minutes())};
}

// Of a tier or a tenant.
template <class Budget>
std::optional<Shortage> CheckBudget(absl::string_view whose, const Budget& budget,
                                    const Amount& spent, const Amount& reserved,
                                    chat::v1::TurnClass turn_class, absl::Time now) {
  const int64_t allowed_nano_usd = std::llround(budget.usd_per_day() * 1e9);
  return Check(whose,
               {{budget.tokens_per_day(), spent.tokens, reserved.tokens, /*money=*/false},
                {allowed_nano_usd, spent.nano_usd, reserved.nano_usd, /*money=*/true}},
               turn_class, now);
}

}  // namespace

Accounts::Claim::Claim(Claim&& other) noexcept
    : accounts_(std::exchange(other.accounts_, nullptr)),
      payer_(std::move(other.payer_)),
      counts_turn_(other.counts_turn_),
      first_(other.first_),
      reserved_(other.reserved_),
      booked_(other.booked_) {}

Accounts::Claim::~Claim() {
  if (accounts_ != nullptr) accounts_->GiveBack(*this);
}

bool Accounts::Claim::TakeFirst(absl::Time now) {
  MutexLock lock(accounts_->mutex_);
  User& user = accounts_->Loaded(payer_.user);
  DropOlderThanAnHour(now, user.counters);
  const int32_t taken = user.counters.first_turns_size() + user.held_first;
  if (taken >= accounts_->first_turns_per_hour_) return false;
  ++user.held_first;
  first_ = true;
  return true;
}

CounterValues Accounts::Claim::Book(absl::Time accepted) {
  MutexLock lock(accounts_->mutex_);
  User& user = accounts_->Loaded(payer_.user);
  DropOlderThanAnHour(accepted, user.counters);
  booked_ = accepted;
  if (counts_turn_) {
    --user.held_turns;
    AddTurn(accepted, *user.counters.mutable_minutes());
  }
  if (first_) {
    --user.held_first;
    *user.counters.add_first_turns() = ToProto(accepted);
  }
  return {.user = user.counters};
}

void Accounts::SetFirstTurns(int32_t first_turns_per_hour) {
  MutexLock lock(mutex_);
  first_turns_per_hour_ = first_turns_per_hour;
}

void Accounts::GiveBack(const Claim& claim) {
  if (!claim.counts() && claim.reserved_ == Amount()) return;
  MutexLock lock(mutex_);
  User& user = PartOf(claim.payer_.user)[claim.payer_.user];
  user.reserved -= claim.reserved_;
  tenants_[claim.payer_.tenant].reserved -= claim.reserved_;
  if (!claim.booked_) {
    if (claim.counts_turn_) --user.held_turns;
    if (claim.first_) --user.held_first;
    return;
  }
  if (claim.counts_turn_) RemoveTurn(*claim.booked_, *user.counters.mutable_minutes());
  auto& first_turns = *user.counters.mutable_first_turns();
  const auto booked = std::find_if(first_turns.begin(), first_turns.end(), [&](const auto& time) {
    return FromProto(time) == *claim.booked_;
  });
  if (claim.first_ && booked != first_turns.end()) first_turns.erase(booked);
}

bool Accounts::Knows(const Payer& payer) {
  MutexLock lock(mutex_);
  const Users& users = PartOf(payer.user);
  const auto user = users.find(payer.user);
  const auto tenant = tenants_.find(payer.tenant);
  return user != users.end() && user->second.loaded && tenant != tenants_.end() &&
         tenant->second.loaded;
}

Awaitable<absl::Status> Accounts::Load(Journal& journal, Payer payer) {
  if (Knows(payer)) co_return absl::OkStatus();
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto of_user, co_await journal.LoadCounters(payer.user));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto of_tenant, co_await journal.LoadTenantCounters(payer.tenant));
  MutexLock lock(mutex_);
  // Another turn may have been faster, and counted since.
  User& user = PartOf(payer.user)[payer.user];
  if (!std::exchange(user.loaded, true)) user.counters = std::move(of_user);
  Tenant& tenant = tenants_[payer.tenant];
  if (!std::exchange(tenant.loaded, true)) tenant.counters = std::move(of_tenant);
  co_return absl::OkStatus();
}

Accounts::User& Accounts::Loaded(const identity::UserKey& key) {
  User& user = PartOf(key)[key];
  user.loaded = true;
  return user;
}

Accounts::Tenant& Accounts::Loaded(const std::string& name) {
  Tenant& tenant = tenants_[name];
  tenant.loaded = true;
  return tenant;
}

absl::Status Accounts::CheckBudgets(const Payer& payer, const Allowance& allowance,
                                    chat::v1::TurnClass turn_class, absl::Time now) {
  const int64_t today = DayOf(now);
  const User& user = Loaded(payer.user);
  const auto of_user =
      CheckBudget(absl::StrCat("tier ", allowance.tier.name()), allowance.tier,
                  SpentOn(today, user.counters.spent()), user.reserved, turn_class, now);
  if (of_user) return UserBudget(*of_user);
  const Tenant& tenant = Loaded(payer.tenant);
  if (allowance.tenant == nullptr) return absl::OkStatus();
  const auto of_tenant =
      CheckBudget(absl::StrCat("tenant ", payer.tenant), *allowance.tenant,
                  SpentOn(today, tenant.counters.spent()), tenant.reserved, turn_class, now);
  return of_tenant ? TenantBudget(*of_tenant) : absl::OkStatus();
}

absl::StatusOr<Accounts::Claim> Accounts::Take(const Payer& payer, const Allowance& allowance,
                                               chat::v1::TurnClass turn_class,
                                               const Amount& expected, absl::Time now) {
  MutexLock lock(mutex_);
  if (allowance.HasRate()) {
    User& user = Loaded(payer.user);
    DropOlderThanAnHour(now, user.counters);
    if (const auto shortage =
            CheckRate(allowance.tier, user.counters, user.held_turns, turn_class, now)) {
      return UserRate(*shortage);
    }
  }
  if (allowance.HasBudget()) {
    PENSTOCK_RETURN_IF_ERROR(CheckBudgets(payer, allowance, turn_class, now));
    Loaded(payer.user).reserved += expected;
    Loaded(payer.tenant).reserved += expected;
  }
  if (allowance.HasRate()) ++Loaded(payer.user).held_turns;
  return Claim(*this, payer, allowance.HasRate(), allowance.HasBudget() ? expected : Amount());
}

void Accounts::Reserve(const Payer& payer, const Amount& reserved) {
  MutexLock lock(mutex_);
  PartOf(payer.user)[payer.user].reserved += reserved;
  tenants_[payer.tenant].reserved += reserved;
}

CounterValues Accounts::Settle(const Payer& payer, const Amount& reserved, const Amount& took,
                               absl::Time ended) {
  MutexLock lock(mutex_);
  User& user = Loaded(payer.user);
  DropOlderThanAnHour(ended, user.counters);
  user.reserved -= reserved;
  Spend(DayOf(ended), took, *user.counters.mutable_spent());
  Tenant& tenant = Loaded(payer.tenant);
  tenant.counters.set_tenant(payer.tenant);
  tenant.reserved -= reserved;
  Spend(DayOf(ended), took, *tenant.counters.mutable_spent());
  return {.user = user.counters, .tenant = tenant.counters};
}

void Accounts::Unsettle(const Payer& payer, const Amount& reserved, const Amount& took,
                        absl::Time ended) {
  MutexLock lock(mutex_);
  const Amount taken_back{-took.tokens, -took.nano_usd};
  User& user = Loaded(payer.user);
  user.reserved += reserved;
  Spend(DayOf(ended), taken_back, *user.counters.mutable_spent());
  Tenant& tenant = Loaded(payer.tenant);
  tenant.reserved += reserved;
  Spend(DayOf(ended), taken_back, *tenant.counters.mutable_spent());
}

void Accounts::DropOld(absl::Time now) {
  const int64_t today = DayOf(now);
  MutexLock lock(mutex_);
  absl::erase_if(users_[next_part_++ % kParts], [&](auto& entry) {
    User& user = entry.second;
    DropOlderThanAnHour(now, user.counters);
    return user.counters.first_turns().empty() && user.counters.minutes().empty() &&
           user.counters.spent().day() < today && user.held_turns == 0 && user.held_first == 0 &&
           user.reserved == Amount();
  });
  absl::erase_if(tenants_, [&](const auto& entry) {
    const Tenant& tenant = entry.second;
    return tenant.counters.spent().day() < today && tenant.reserved == Amount();
  });
}

}  // namespace penstock::dispatcher
