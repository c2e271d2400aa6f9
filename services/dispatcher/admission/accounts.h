// What users and tenants have had of what they may have: turns of an hour, turns of class FIRST,
// tokens and money of a day (UTC).
//
// The journal has the same as absolute values: they are asked for here in the order in which its
// writes take effect (Counting), so that after a crash they are what a recount of its records
// gives. What turns on their way in hold, and what those that have not ended have reserved, is only
// here; the latter stands in their records.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "libs/async/awaitable.h"
#include "libs/base/mutex.h"
#include "libs/identity/principal.h"
#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/admission/amount.h"
#include "services/dispatcher/queue/journal.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Whose accounts a turn is on.
struct Payer {
  identity::UserKey user;
  std::string tenant;
};

inline Payer PayerOf(const identity::Principal& principal) {
  return {principal.key, principal.tenant};
}

// What the configuration allows a turn's user and tenant.
struct Allowance {
  const config::v1::Tier& tier;
  // Null: no budget.
  const config::v1::Tenant* tenant;

  bool HasRate() const { return tier.turns_per_hour() > 0; }
  bool HasBudget() const {
    return tier.tokens_per_day() > 0 || tier.usd_per_day() > 0 ||
           (tenant != nullptr && (tenant->tokens_per_day() > 0 || tenant->usd_per_day() > 0));
  }
};

// Thread-safe.
class Accounts {
 public:
  // `first_turns_per_hour`: turns of class FIRST of one user.
  explicit Accounts(int32_t first_turns_per_hour) : first_turns_per_hour_(first_turns_per_hour) {}
  void SetFirstTurns(int32_t first_turns_per_hour);

  // What a turn on its way in holds. All of it is given back when this goes, unless it was kept.
  class [[nodiscard]] Claim {
   public:
    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&&) = delete;
    ~Claim();

    // Whether the user has a turn of class FIRST left in this hour; it is held then. After Load.
    bool TakeFirst(absl::Time now);
    // Whether the turn's acceptance is to be journaled with counters.
    bool counts() const { return counts_turn_ || first_; }
    // Counts the turn as accepted then. Once, for the journal (Counting).
    CounterValues Book(absl::Time accepted);
    // The turn is accepted: what it has reserved is given back by Settle.
    void Keep() { accounts_ = nullptr; }

   private:
    friend class Accounts;
    Claim(Accounts& accounts, Payer payer, bool counts_turn, Amount reserved)
        : accounts_(&accounts),
          payer_(std::move(payer)),
          counts_turn_(counts_turn),
          reserved_(reserved) {}

    // Null: nothing to give back.
    Accounts* accounts_;
    Payer payer_;
    bool counts_turn_;
    bool first_ = false;
    Amount reserved_;
    std::optional<absl::Time> booked_;
  };

  // Reads what the journal has of them, unless it is known. Comes before the calls below, for a
  // turn that has a rate, a budget or may be of class FIRST. Errors: Journal::LoadCounters's.
  Awaitable<absl::Status> Load(Journal& journal, Payer payer);

  // Holds what a turn needs that is expected to take `expected`. RESOURCE_EXHAUSTED: USER_RATE,
  // USER_BUDGET or TENANT_BUDGET, of a turn of `turn_class`. A budget admits turns until it is used
  // up, by what was spent and what is reserved, so the last turn may overdraw it.
  absl::StatusOr<Claim> Take(const Payer& payer, const Allowance& allowance,
                             chat::v1::TurnClass turn_class, const Amount& expected,
                             absl::Time now);

  // A turn that an earlier life has accepted keeps what it had reserved.
  void Reserve(const Payer& payer, const Amount& reserved);
  // The turn ended then: `reserved` is free again, `took` is spent on that day. For the journal
  // (Counting), after Load.
  CounterValues Settle(const Payer& payer, const Amount& reserved, const Amount& took,
                       absl::Time ended);
  // Takes a Settle back that was not journaled.
  void Unsettle(const Payer& payer, const Amount& reserved, const Amount& took, absl::Time ended);

  // Forgets those whose counters have run out, of one of 64 parts of the users each time: nobody
  // waits for all of them to be looked at.
  void DropOld(absl::Time now);
  static constexpr size_t kParts = 64;

 private:
  struct User {
    // The journal's counters are in it.
    bool loaded = false;
    v1::UserCounters counters;
    // Of turns on their way in.
    int32_t held_turns = 0;
    int32_t held_first = 0;
    Amount reserved;
  };
  struct Tenant {
    bool loaded = false;
    v1::TenantCounters counters;
    Amount reserved;
  };

  using Users = absl::flat_hash_map<identity::UserKey, User>;

  bool Knows(const Payer& payer);
  Users& PartOf(const identity::UserKey& user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return users_[user.bucket() % kParts];
  }
  // Of those that Load was called for. One that was forgotten since had nothing that still counts.
  User& Loaded(const identity::UserKey& user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Tenant& Loaded(const std::string& tenant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The first budget that is used up.
  absl::Status CheckBudgets(const Payer& payer, const Allowance& allowance,
                            chat::v1::TurnClass turn_class, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBack(const Claim& claim);

  Mutex mutex_;
  int32_t first_turns_per_hour_ ABSL_GUARDED_BY(mutex_);
  std::array<Users, kParts> users_ ABSL_GUARDED_BY(mutex_);
  size_t next_part_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Tenant> tenants_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
