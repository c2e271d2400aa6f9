// Strict classes with floors and caps; inside a class tenants by weight, users of a tenant equally,
// and first come first served inside a user.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "services/dispatcher/queue/class_rates.h"
#include "services/dispatcher/queue/fair_flows.h"
#include "services/dispatcher/queue/scheduler.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// What a token costs, in cost units: only their proportions matter. Input totals are inclusive.
struct TokenCost {
  double uncached_input = 1;
  double cached_input = 0.1;
  double output = 4;

  double Of(int64_t input_tokens, int64_t output_tokens) const;
  // Absent counts are taken from what was expected.
  double Of(const chat::v1::Usage& usage, int64_t expected_input, int64_t expected_output) const;
};

struct FairSchedulerOptions {
  TokenCost cost;
  // By tenant, above 0; others have 1.
  absl::flat_hash_map<std::string, double> weights;
  ClassShares shares;
};

// ACTION > FIRST > PAID > FREE > BATCH. The share of a class is of the rate that SetRate says.
// Two users of a tenant whose hashes are equal are one user here.
class FairScheduler : public Scheduler {
 public:
  explicit FairScheduler(FairSchedulerOptions options);
  ~FairScheduler() override;

  // What the pool can serve, in cost units a second; 0: unknown (class_rates.h).
  void SetRate(double per_second) { rates_.SetRate(per_second); }

  void Enqueue(const WaitingEntry& entry, absl::Duration now) override;
  void SetClass(EntryId id, chat::v1::TurnClass turn_class) override;
  void MarkReady(EntryId id, int64_t input_tokens, int64_t output_tokens) override;
  void Withdraw(EntryId id) override;
  std::vector<EntryId> Window(size_t n) override;
  std::optional<EntryId> Pick(absl::Duration now) const override;
  absl::Duration TimeToPick(absl::Duration now) const override;
  void Start(EntryId id, absl::Duration now) override;
  void Requeue(EntryId id, absl::Duration now) override;
  void Settle(EntryId id, const chat::v1::Usage& actual, absl::Duration now) override;
  int64_t Position(EntryId id) const override;
  int64_t PositionOfNext(const WaitingEntry& entry) const override;
  size_t waiting() const override { return waiting_; }
  size_t ready() const override { return ready_; }
  // Tenants and users that are remembered, with turns or without.
  size_t flows() const;

 private:
  enum class State { kWaiting, kReady, kStarted };
  struct Known {
    FairEntry entry;
    chat::v1::TurnClass turn_class = chat::v1::CLASS_FREE;
    State state = State::kWaiting;
    bool named = false;
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
  };
  struct Tenant {
    // Of its calls: an exponential mean.
    double mean_output = 256;
    void Learn(int64_t output_tokens);
  };
  // One class.
  struct Line {
    explicit Line(const std::vector<double>& weights) : flows(weights) {}
    FairFlows flows;
    // Of the last look ahead, which wanted so many.
    FairFrontier frontier;
    size_t wanted = 0;
  };

  Known* Find(EntryId id, State state);
  Line& LineOf(const Known& known) { return *lines_[known.turn_class]; }
  void Join(Known& known);
  void Leave(Known& known);
  // The call has ended, and has cost this.
  void End(Known& known, double actual, absl::Duration now);
  uint32_t TenantOf(absl::string_view tenant);
  std::optional<uint32_t> FindTenant(absl::string_view tenant) const;
  void Name(Known& known, std::vector<EntryId>& fresh);
  // Of n entries that are to be prepared, those of a class, with `left` not taken by higher ones.
  size_t WindowOf(chat::v1::TurnClass turn_class, size_t n, size_t left) const;
  // With so many before it in its class.
  int64_t PositionIn(chat::v1::TurnClass turn_class, size_t ahead) const;

  const TokenCost cost_;
  const absl::flat_hash_map<std::string, double> configured_weights_;
  ClassRates rates_;
  absl::flat_hash_map<std::string, uint32_t> indices_;
  // By index of the tenant.
  std::vector<double> weights_;
  std::vector<Tenant> tenants_;
  std::array<std::unique_ptr<Line>, chat::v1::TurnClass_ARRAYSIZE> lines_;
  absl::flat_hash_map<EntryId, std::unique_ptr<Known>> entries_;
  size_t waiting_ = 0;
  size_t ready_ = 0;
  size_t named_ = 0;
  // Joined lines that fit into the window whole.
  std::vector<EntryId> to_name_;
  // Something joined that the last look ahead would have taken.
  bool look_ahead_ = false;
};

}  // namespace penstock::dispatcher
